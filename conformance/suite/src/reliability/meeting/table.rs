//! The table of features and faults, and the pairs in it that cannot exist.

dimension! {
    /// A kind of source.
    Source { Csv Lines Json Items Stream Channel Queue Gzip Zstd }
}

dimension! {
    /// A way in which events reach their receiver.
    Mode { PerItem Ordered Sequence BySize ByTime Adaptive }
}

dimension! {
    /// A use of events.
    End { Collect Fold ForEach Pull Publish }
}

dimension! {
    /// A kind of receiver.
    Body { Sync Blocking Async }
}

dimension! {
    /// The reaction to a rejected row.
    Strategy { Stop Continue }
}

dimension! {
    /// A fault that is injected, or none.
    Fault {
        Nothing BadRows SourceFails SourcePanics ReceiverFails ReceiverPanics Retry EventTimeout Chaos Limiter
        Graceful Kill Timeout Dropped
    }
}

/// One combination of features, with one fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Combination {
    pub(super) source: Source,
    pub(super) mode: Mode,
    pub(super) end: End,
    pub(super) body: Body,
    pub(super) strategy: Strategy,
    pub(super) fault: Fault,
}

/// The way in which a combination that cannot exist is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no such program, for this reason.
    Type(&'static str),
    /// It compiles, and is `InvalidConfig` when it starts.
    Config,
}

impl Source {
    /// True if the source gives text, which a pipeline cuts into rows.
    pub(super) fn is_text(self) -> bool {
        !matches!(self, Self::Items | Self::Stream | Self::Channel | Self::Queue)
    }

    /// True if the source gives values, which need no parsing.
    pub(super) fn is_typed(self) -> bool {
        matches!(self, Self::Items | Self::Stream | Self::Channel)
    }
}

impl Mode {
    pub(super) fn is_batched(self) -> bool {
        matches!(self, Self::BySize | Self::ByTime)
    }
}

impl Combination {
    /// Returns the refusal of this combination, if it has one.
    pub(super) fn refusal(self) -> Option<Refusal> {
        let Self { source, mode, end, body, fault, .. } = self;
        let refused = |why| Some(Refusal::Type(why));
        match (end, body) {
            (End::Fold | End::Pull | End::Publish, _) if mode.is_batched() => {
                return refused("batches are for receivers: `batched` has no fold, pull or publish");
            }
            (End::Fold, Body::Async) => return refused("the function of a fold is synchronous"),
            (End::Pull | End::Publish, Body::Sync | Body::Blocking) => {
                return refused("it has no receiver that could be synchronous");
            }
            _ => {}
        }
        match fault {
            Fault::BadRows if source.is_typed() => return refused("a value needs no parsing"),
            Fault::SourceFails if source.is_typed() => {
                return refused("iterators and streams have no errors");
            }
            Fault::SourcePanics if source == Source::Channel => return refused("a channel runs no code"),
            Fault::ReceiverFails | Fault::ReceiverPanics if end == End::Pull => {
                return refused("a pulled pipeline has no receiver");
            }
            Fault::Retry | Fault::Chaos | Fault::Limiter if end == End::Pull => return Some(Refusal::Config),
            Fault::EventTimeout if end == End::Publish => {
                return refused("the queue of this table answers at once");
            }
            Fault::EventTimeout if body != Body::Async || end == End::Pull => return Some(Refusal::Config),
            _ => {}
        }
        let unknown_end = end == End::Pull && source == Source::Queue;
        let unpublished = end == End::Publish && !source.is_text();
        (unknown_end || unpublished).then_some(Refusal::Config)
    }

    /// Returns all combinations, refused ones included.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let each = |source: &Source| {
            let source = *source;
            let modes = Mode::ALL.iter().flat_map(move |mode| End::ALL.iter().map(move |end| (*mode, *end)));
            modes.flat_map(move |(mode, end)| {
                Body::ALL.iter().flat_map(move |body| {
                    Strategy::ALL.iter().flat_map(move |strategy| {
                        Fault::ALL.iter().map(move |fault| Self {
                            source,
                            mode,
                            end,
                            body: *body,
                            strategy: *strategy,
                            fault: *fault,
                        })
                    })
                })
            })
        };
        Source::ALL.iter().flat_map(each)
    }

    /// Returns the indexes of this combination in the six dimensions.
    fn indexes(self) -> [usize; 6] {
        [
            self.source as usize,
            self.mode as usize,
            self.end as usize,
            self.body as usize,
            self.strategy as usize,
            self.fault as usize,
        ]
    }

    /// Returns the pairs of values that this combination covers.
    fn pairs(self) -> impl Iterator<Item = (usize, usize, usize, usize)> {
        let indexes = self.indexes();
        let of = move |(first, a): (usize, usize)| {
            indexes.into_iter().enumerate().skip(first + 1).map(move |(second, b)| (first, a, second, b))
        };
        indexes.into_iter().enumerate().flat_map(of)
    }

    /// Returns a choice of combinations that covers each possible pair of values at least once.
    pub(super) fn pairwise() -> Vec<Self> {
        let mut uncovered: std::collections::BTreeSet<_> =
            Self::all().filter(|one| one.refusal().is_none()).flat_map(Self::pairs).collect();
        let mut chosen = Vec::new();
        // The combinations that cover the most new pairs come first.
        for least in (1..=15).rev() {
            for one in Self::all().filter(|one| one.refusal().is_none()) {
                if one.pairs().filter(|pair| uncovered.contains(pair)).count() >= least {
                    one.pairs().for_each(|pair| {
                        uncovered.remove(&pair);
                    });
                    chosen.push(one);
                }
            }
        }
        chosen
    }
}
