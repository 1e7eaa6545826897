//! Headers of a caller that go along to a provider: none, unless a defect has them go.

use reqwest::header::HeaderMap;
use tokio::task_local;

task_local! {
    static FORWARDED: HeaderMap;
}

/// Does something with these headers going along whenever a provider is asked.
pub(crate) async fn forwarding<T>(headers: HeaderMap, work: impl Future<Output = T>) -> T {
    FORWARDED.scope(headers, work).await
}

/// Adds those that go along.
pub(super) fn add(headers: &mut HeaderMap) {
    // Outside of such work there are none.
    let _ = FORWARDED.try_with(|forwarded| headers.extend(forwarded.clone()));
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[tokio::test]
    async fn headers_go_along_within_the_work_only() {
        let forwarded = HeaderMap::from_iter([("x-key".parse().unwrap(), HeaderValue::from_static("k"))]);
        let sent = || async {
            let mut headers = HeaderMap::new();
            add(&mut headers);
            headers.contains_key("x-key")
        };
        assert!(forwarding(forwarded, sent()).await);
        assert!(!sent().await);
    }
}
