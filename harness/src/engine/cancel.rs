use tokio::sync::watch;

/// Asks a run to stop: nothing new is begun, what runs is cleaned up, and the reports are still written.
#[derive(Clone, Debug)]
pub struct Cancel {
    sender: watch::Sender<bool>,
}

impl Default for Cancel {
    fn default() -> Self {
        Self { sender: watch::Sender::new(false) }
    }
}

impl Cancel {
    /// Asks to stop. Asking twice changes nothing.
    pub fn cancel(&self) {
        self.sender.send_replace(true);
    }

    /// Whether it was asked.
    pub fn is_cancelled(&self) -> bool {
        *self.sender.borrow()
    }

    /// Waits until it is asked.
    pub async fn cancelled(&self) {
        let mut receiver = self.sender.subscribe();
        // The sender lives as long as `self`, so this ends only when asked.
        let _ = receiver.wait_for(|cancelled| *cancelled).await;
    }
}
