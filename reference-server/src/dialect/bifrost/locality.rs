//! Whether a request comes from somebody on this machine, who is asked for nothing.

use std::net::IpAddr;

use axum::http::HeaderValue;
use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;

/// How a page that a browser shows is related to what it asks.
const FETCH_SITE: &str = "sec-fetch-site";

/// Whether a request comes from this machine, and from no page that somebody only looks at here. Such a page comes from
/// a name of its own, also where it has that name lead to this machine, and a browser says so.
pub(super) fn is_local(head: &Parts, client_ip: IpAddr) -> bool {
    let every = |name: &str, is_meant: fn(&str) -> bool| {
        head.headers.get_all(name).iter().map(HeaderValue::to_str).all(|value| value.is_ok_and(is_meant))
    };
    client_ip.to_canonical().is_loopback()
        && head.uri.authority().is_none_or(is_here)
        && every(HOST.as_str(), names_here)
        && every(ORIGIN.as_str(), is_page_of_here)
        && every(FETCH_SITE, |site| matches!(site, "none" | "same-origin"))
}

fn is_page_of_here(origin: &str) -> bool {
    origin.split_once("://").is_some_and(|(_, host)| names_here(host))
}

fn names_here(host: &str) -> bool {
    host.parse::<Authority>().is_ok_and(|authority| is_here(&authority))
}

/// Whether a host, with any port, is this machine under its own name or address.
fn is_here(authority: &Authority) -> bool {
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn told(ip: &str, uri: &str, sent: &[(&str, &str)]) -> bool {
        let mut request = Request::get(uri);
        for (name, value) in sent {
            request = request.header(*name, *value);
        }
        is_local(&request.body(()).unwrap().into_parts().0, ip.parse().unwrap())
    }

    #[test]
    fn who_calls_this_machine_from_this_machine_is_local() {
        for ip in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(told(ip, "/", &[]), "{ip}");
        }
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "127.0.0.2", "[::1]:8080", "[::1]"] {
            assert!(told("127.0.0.1", "/", &[("host", host)]), "{host}");
        }
        let page = [
            ("host", "localhost:8080"),
            ("origin", "http://localhost:8080"),
            ("sec-fetch-site", "same-origin"),
        ];
        assert!(told("127.0.0.1", "http://localhost/", &page));
        assert!(told("127.0.0.1", "/", &[("sec-fetch-site", "none")]));
    }

    #[test]
    fn neither_another_machine_nor_a_page_from_elsewhere_is() {
        for ip in ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1"] {
            assert!(!told(ip, "/", &[("host", "localhost")]), "{ip}");
        }
        for host in ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.example", ""] {
            assert!(!told("127.0.0.1", "/", &[("host", host)]), "{host}");
        }
        assert!(!told("127.0.0.1", "/", &[("host", "localhost"), ("host", "evil.example")]));
        assert!(!told("127.0.0.1", "http://evil.example/", &[("host", "localhost")]));
        for origin in ["http://evil.example", "https://127.0.0.1.evil.example:1", "null", ""] {
            assert!(!told("127.0.0.1", "/", &[("host", "localhost"), ("origin", origin)]), "{origin}");
        }
        for site in ["cross-site", "same-site", "new"] {
            assert!(!told("127.0.0.1", "/", &[("sec-fetch-site", site)]), "{site}");
        }
    }
}
