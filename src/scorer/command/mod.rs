//! The user's own program as a scorer: a pool of child processes.
