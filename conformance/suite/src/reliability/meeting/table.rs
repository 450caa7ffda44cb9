//! The dimensions of the table, and a combination of one value of each.

dimension! {
    /// A kind of source.
    Source { Csv Lines Json Items Stream Channel Queue Gzip Zstd }
}

dimension! {
    /// Options of the sources, or about them: sources that fail are skipped, rejected rows go to a function or to
    /// a file, a range of the rows is read, chunks are bounded by bytes, the header is looked at, and the rows are in
    /// two sources, which are read one after the other or at the same time.
    Options { Nothing Skip RejectsSink RejectsFile Range SmallChunks Header TwoSources TwoAtOnce }
}

dimension! {
    /// A way in which events reach their receiver.
    Mode { PerItem Ordered Sequence BySize ByTime Adaptive }
}

dimension! {
    /// The number of workers, or the most of them.
    Workers { One Four }
}

dimension! {
    /// The stages: all synchronous kinds, all asynchronous kinds, these for several rows at a time, and both with
    /// keys.
    Stages { Nothing Sync Async AtOnce Keyed KeyedAtOnce }
}

dimension! {
    /// A use of events.
    End { Collect Fold ForEach Pull Publish PublishItems List Lines Json Csv Forward }
}

dimension! {
    /// A kind of receiver.
    Body { Sync Blocking Async }
}

dimension! {
    /// The reaction to a rejected row: the last one is to stop at the second.
    Strategy { Stop Continue Retry Ask FailAfter }
}

dimension! {
    /// A policy around events.
    Policy { Nothing EventTimeout Breaker Limiter Chaos Rate }
}

dimension! {
    /// The number of events that are wanted: all, the first ones, or those until a receiver has enough.
    Enough { All Take Break }
}

dimension! {
    /// A fault that is injected, or none. A function of the user's panics at some rows, or whenever it is called.
    /// A queue that is published into is a receiver whose third call fails or panics. A value has no text where
    /// it is written as some.
    Fault {
        Nothing BadRows ParsePanics SourceFails SourcePanics SenderPanics HeaderFails HeaderPanics
        StageFails StagePanics KeyPanics ReceiverFails ReceiverPanics FailsOnce TextFails TextPanics ClonePanics Hangs
        RejectsFails RejectsPanics AskPanics ProgressPanics InitPanics MergePanics HandlerPanics CloseFails
        Graceful Kill KillHard Timeout Dropped Shutdown
    }
}

/// Declares the combination of the dimensions.
macro_rules! combination {
    ($count:literal: $($field:ident $dimension:ident)+) => {
        /// One combination of features, with one fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) struct Combination {
            $(pub(super) $field: $dimension,)+
        }

        /// The number of dimensions.
        pub(super) const DIMENSIONS: usize = $count;

        /// The number of values of each dimension.
        pub(super) const SIZES: [usize; DIMENSIONS] = [$($dimension::ALL.len()),+];

        impl Combination {
            /// The index of its value in each dimension.
            pub(super) fn indexes(self) -> [usize; DIMENSIONS] {
                [$(self.$field as usize),+]
            }

            /// The combination of these values; `None` if there is no such value.
            pub(super) fn of([$($field),+]: [usize; DIMENSIONS]) -> Option<Self> {
                Some(Self { $($field: *$dimension::ALL.get($field)?),+ })
            }
        }
    };
}

combination! {
    11:
    source Source
    options Options
    mode Mode
    workers Workers
    stages Stages
    end End
    body Body
    strategy Strategy
    policy Policy
    enough Enough
    fault Fault
}

/// A combination that every feature can be added to, alone.
pub(super) const PLAIN: Combination = Combination {
    source: Source::Lines,
    options: Options::Nothing,
    mode: Mode::PerItem,
    workers: Workers::Four,
    stages: Stages::Nothing,
    end: End::ForEach,
    body: Body::Sync,
    strategy: Strategy::Stop,
    policy: Policy::Nothing,
    enough: Enough::All,
    fault: Fault::Nothing,
};

impl Source {
    /// True if the source gives text, which a pipeline cuts into rows.
    pub(super) fn is_text(self) -> bool {
        !matches!(self, Self::Items | Self::Stream | Self::Channel | Self::Queue)
    }

    /// True if the source gives values, which need no parsing.
    pub(super) fn is_typed(self) -> bool {
        matches!(self, Self::Items | Self::Stream | Self::Channel)
    }

    /// True if the text has a header.
    pub(super) fn has_header(self) -> bool {
        matches!(self, Self::Csv | Self::Gzip | Self::Zstd)
    }
}

impl Options {
    pub(super) fn has_two_sources(self) -> bool {
        matches!(self, Self::TwoSources | Self::TwoAtOnce)
    }
}

impl Mode {
    pub(super) fn is_batched(self) -> bool {
        matches!(self, Self::BySize | Self::ByTime)
    }
}

impl Stages {
    /// True if functions make values of rows.
    pub(super) fn has_stages(self) -> bool {
        self != Self::Nothing
    }

    pub(super) fn is_awaited(self) -> bool {
        matches!(self, Self::Async | Self::AtOnce | Self::KeyedAtOnce)
    }

    pub(super) fn has_keys(self) -> bool {
        matches!(self, Self::Keyed | Self::KeyedAtOnce)
    }

    /// True if one worker runs the stages of several rows at the same time.
    pub(super) fn is_at_once(self) -> bool {
        matches!(self, Self::AtOnce | Self::KeyedAtOnce)
    }
}

impl End {
    /// True if there is a receiver of the user's, whose calls can be made again.
    pub(super) fn has_receiver(self) -> bool {
        matches!(self, Self::Collect | Self::Fold | Self::ForEach)
    }

    /// True if the rows become a file.
    pub(super) fn writes(self) -> bool {
        matches!(self, Self::Lines | Self::Json | Self::Csv)
    }

    /// True if values become text.
    pub(super) fn makes_text(self) -> bool {
        self.writes() || self == Self::PublishItems
    }
}

impl Combination {
    /// The most workers at a time.
    pub(super) fn most_workers(self) -> usize {
        match (self.mode, self.workers) {
            (Mode::Sequence, _) | (_, Workers::One) => 1,
            (_, Workers::Four) => 4,
        }
    }

    /// True if events come in source order.
    pub(super) fn is_in_order(self) -> bool {
        let is_read_in_order = self.options != Options::TwoAtOnce || self.mode == Mode::Sequence;
        self.mode == Mode::Ordered || (self.most_workers() == 1 && is_read_in_order)
    }

    /// True if a rejected row may end the pipeline.
    pub(super) fn may_stop(self) -> bool {
        matches!(self.strategy, Strategy::Stop | Strategy::FailAfter)
    }

    /// True if the receiver is asynchronous.
    pub(super) fn awaits_receiver(self) -> bool {
        self.end.has_receiver() && self.body == Body::Async
    }
}
