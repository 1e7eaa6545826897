//! One job: a call whose answer is fetched later.

use std::sync::Arc;

use uuid::Uuid;

use crate::domain::clock::Moment;

/// The status of a job's call that the gateway does not live to end.
pub(crate) const CUT_OFF: u16 = 503;

/// How far a job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobStatus {
    Pending,
    Processing,
    Completed,
    Failed,
}

impl JobStatus {
    const ALL: [Self; 4] = [Self::Pending, Self::Processing, Self::Completed, Self::Failed];

    /// The word for it, on the wire and in the state.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Reads a word.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Whether nothing comes after it.
    pub(crate) const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// A job as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JobRow {
    /// Unique in its world.
    pub(crate) id: String,
    /// What is done: the path of the call behind `/v1/async/`.
    pub(crate) operation: Arc<str>,
    /// Whose it is; nobody's where the caller sent no virtual key.
    pub(crate) virtual_key: Option<Uuid>,
    pub(crate) status: JobStatus,
    /// How long the outcome is kept, in seconds.
    pub(crate) ttl: u32,
    pub(crate) created: Moment,
    pub(crate) completed: Option<Moment>,
    /// From when on it is not found any more.
    pub(crate) expires: Option<Moment>,
    /// The status that the call itself would have been answered with.
    pub(crate) status_code: Option<u16>,
    /// The result of a completed job, the error of a failed one: JSON as it is told on the wire.
    pub(crate) body: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_reads_back_and_two_of_them_are_final() {
        for status in JobStatus::ALL {
            assert_eq!(JobStatus::from_name(status.name()), Some(status));
        }
        assert_eq!(JobStatus::from_name("done"), None);
        let last: Vec<_> = JobStatus::ALL.into_iter().filter(|status| status.is_final()).collect();
        assert_eq!(last, [JobStatus::Completed, JobStatus::Failed]);
    }
}
