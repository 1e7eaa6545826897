/// A duration as a person says it, from microseconds.
pub(crate) fn human(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        1_000_000..60_000_000 => format!("{}.{:02} s", us / 1_000_000, us % 1_000_000 / 10_000),
        _ => format!("{} min {} s", us / 60_000_000, us % 60_000_000 / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picks_the_unit_by_size() {
        assert_eq!(human(0), "0 µs");
        assert_eq!(human(12_345), "12.3 ms");
        assert_eq!(human(1_050_000), "1.05 s");
        assert_eq!(human(125_000_000), "2 min 5 s");
    }
}
