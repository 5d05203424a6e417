//! What a cluster wants of jobs: its Python, and its patience.

/// The habits of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The Python that drivers run in, on the head: one that has Ray. A name on its `PATH`, or a path.
    pub python: String,
    /// How long a task that was asked to end may take for a checkpoint, in seconds.
    pub grace_s: u64,
}

impl Default for Site {
    fn default() -> Self {
        Self { python: "python3".to_owned(), grace_s: 120 }
    }
}
