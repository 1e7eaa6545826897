//! Work that is written whole or not at all, whatever becomes of the rest of its batch.

use rusqlite::Connection;

/// Does the work; where any of it fails, none of it has happened.
pub(super) fn all_or_nothing(
    connection: &Connection,
    work: impl FnOnce() -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let run = |sql: &str| connection.prepare_cached(sql)?.execute([]).map(|_| ());
    run("SAVEPOINT work")?;
    let outcome = work();
    if outcome.is_err() {
        // A database that has given up the whole batch has nothing to go back to; the first error says why.
        let _ = run("ROLLBACK TO work");
    }
    let released = run("RELEASE work");
    outcome.and(released)
}

#[cfg(test)]
mod tests {
    use rusqlite::Error;

    use super::*;

    #[test]
    fn what_fails_leaves_nothing_and_what_stood_before_stays() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE numbers (n INTEGER)").unwrap();
        let add = |n: i64| connection.execute("INSERT INTO numbers VALUES (?1)", [n]).map(|_| ());
        let batch = connection.unchecked_transaction().unwrap();
        add(1).unwrap();
        let failed = all_or_nothing(&connection, || {
            add(2)?;
            Err(Error::InvalidQuery)
        });
        assert!(matches!(failed, Err(Error::InvalidQuery)), "{failed:?}");
        all_or_nothing(&connection, || add(3)).unwrap();
        batch.commit().unwrap();
        let sum: i64 = connection.query_row("SELECT sum(n) FROM numbers", [], |row| row.get(0)).unwrap();
        assert_eq!(sum, 4);
    }
}
