use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

/// Time for the gateway to accept a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a gateway cannot be reached.
#[derive(Debug, Error)]
#[error("reach {address}: {message}")]
pub struct Unreachable {
    /// Host and port.
    pub address: String,
    /// What went wrong.
    pub message: String,
}

/// Shows that something accepts connections at an address.
///
/// # Errors
/// When nothing does.
pub async fn reachable(url: &Url) -> Result<(), Unreachable> {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let port = url.port_or_known_default().unwrap_or(80);
    let failed = |message: String| Unreachable { address: format!("{host}:{port}"), message };
    match timeout(PATIENCE, TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed(format!("no answer within {}", humantime::format_duration(PATIENCE)))),
    }
}
