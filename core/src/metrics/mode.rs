//! The mode in which a task is measured.

/// The mode in which the usage of a task is measured, if it is, and its processor time above all.
///
/// Everything but processor time is the same in both modes: polls, delays, memory, input and output. So is
/// the processor time of blocking work, which is measured by the thread's clock. Modes are ordered: the later
/// one measures more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MetricsMode {
    /// Nothing is measured.
    #[default]
    Off,
    /// The processor time of most polls is estimated. This is what `true` and
    /// [`enable_metrics`](crate::MetricsEnabledTask::enable_metrics) mean.
    ///
    /// - A poll of less than 100 us counts with the time that it took, by the real clock. Time for which its
    ///   thread waited within it, or had no processor, is included.
    /// - At the end of a longer poll the thread's clock is read. Its processor time is counted from the last
    ///   reading of that clock on its thread, which is at most a millisecond older than the poll, and is at most
    ///   the time that the poll took.
    /// - Where the last reading is older than that, the poll is measured as with [`Exact`](Self::Exact): at
    ///   most one in a millisecond of a thread.
    ///
    /// The estimate is an upper bound. A short poll is split between the program and the system in the
    /// proportion of the last measured polls of its thread.
    ///
    /// Cost: some 1,000 instructions for each poll.
    Sampled,
    /// The thread's clock is read before each poll and after it.
    ///
    /// Cost: some 1,200 instructions for each poll, and four calls of the system, which take longer.
    Exact,
}

impl MetricsMode {
    /// True unless nothing is measured.
    pub fn is_on(self) -> bool {
        self != Self::Off
    }
}

/// `true` is [`Sampled`](MetricsMode::Sampled).
impl From<bool> for MetricsMode {
    fn from(on: bool) -> Self {
        if on { Self::Sampled } else { Self::Off }
    }
}
