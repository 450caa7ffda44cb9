//! `Send`, `Sync` and `Unpin` of each public type: the promised ones, and the ones that are not promised. All
//! of it holds if this compiles.
#![cfg(all(feature = "orchestra", feature = "pipeline"))]

use std::cell::Cell;
use std::future::Ready as Done;
use std::marker::PhantomPinned;
use std::rc::Rc;

use sweet_async::metrics::*;
use sweet_async::orchestra::{Ending, NamedContext, Orchestrated, Report};
use sweet_async::pipeline::*;
use sweet_async::runtime::{
    BlockOnGuard, BlockingStatistics, DynJoin, DynSleep, Ended, RuntimeMetrics, RuntimeSettings, Signal,
    TaskStatistics, Watch,
};
use sweet_async::task::*;
use sweet_async::*;

#[path = "auto_traits/work.rs"]
mod work;

/// Probes, one for each trait. An inherent item is preferred to that of a trait wherever its bounds hold.
macro_rules! probes {
    ($($module:ident: $auto:path;)+) => {$(
        #[allow(dead_code, reason = "not every probe is asked in every way")]
        mod $module {
            pub(crate) struct Probe<T>(pub(crate) std::marker::PhantomData<T>);

            pub(crate) trait Otherwise {
                const YES: bool = false;

                fn answer(&self) -> bool {
                    Self::YES
                }
            }

            impl<T> Otherwise for Probe<T> {}

            impl<T: $auto> Probe<T> {
                pub(crate) const YES: bool = true;

                pub(crate) fn answer(&self) -> bool {
                    Self::YES
                }
            }
        }
    )+};
}

probes! {
    send: Send;
    sync: Sync;
    unpin: Unpin;
}

macro_rules! is {
    (yes) => {
        true
    };
    (no) => {
        false
    };
}

/// One row for each type: `Send`, `Sync`, `Unpin`. All of them are `'static`.
macro_rules! table {
    ($($ty:ty => $send:tt $sync:tt $unpin:tt;)+) => {$(
        const _: () = {
            const fn lives<T: 'static>() {}
            lives::<$ty>();
            #[allow(unused_imports, reason = "used where the answer is no")]
            use {send::Otherwise as _, sync::Otherwise as _, unpin::Otherwise as _};
            assert!(<send::Probe<$ty>>::YES == is!($send), concat!(stringify!($ty), ": Send"));
            assert!(<sync::Probe<$ty>>::YES == is!($sync), concat!(stringify!($ty), ": Sync"));
            assert!(<unpin::Probe<$ty>>::YES == is!($unpin), concat!(stringify!($ty), ": Unpin"));
        };
    )+};
}

/// May be sent and not shared.
type Sendable = Cell<u32>;
/// May be neither.
type Local = Rc<u32>;
type Pinned = PhantomPinned;
/// Work in place.
type Work = Done<Result<u32, AsyncTaskError>>;

// Handles, contexts and their results. A handle takes the value from another thread and never shares it, so
// the value need not be `Sync`.
table! {
    //                                            Send Sync Unpin
    sweet_async::Task<u32>                     => yes yes yes;
    sweet_async::Task<Sendable>                => yes yes yes;
    sweet_async::Task<Pinned>                  => yes yes yes;
    sweet_async::Task<Sendable, DynRuntime>    => yes yes yes;
    ScopedTask<u32, AmbientRuntime>            => yes yes yes;
    ScopedTask<Sendable, DynRuntime>           => yes yes yes;
    Scope<AmbientRuntime>                      => yes yes yes;
    Scope<DynRuntime>                          => yes yes yes;
    TaskSet<sweet_async::Task<u32>>            => yes yes yes;
    TaskSet<sweet_async::Task<Pinned>>         => yes yes yes;
    TaskSet<ScopedTask<u32, DynRuntime>>       => yes yes yes;
    TaskSet<Run<Work>>                         => yes yes yes;
    Canceller                                  => yes yes yes;
    Cancellation                               => yes yes yes;
    CancellationResult                         => yes yes yes;
    CancelCause                                => yes yes yes;
    CancelLevel                                => yes yes yes;
    CancelOutcome                              => yes yes yes;
    TaskContext                                => yes yes yes;
    Cancelled                                  => yes yes yes;
    sweet_async::task::Ready                   => yes yes yes;
    Relationships                              => yes yes yes;
    TaskInfo                                   => yes yes yes;
    TaskId                                     => yes yes yes;
    TaskStatus                                 => yes yes yes;
    Callback                                   => yes no  yes;
}

// Types that hold something of the user's have its auto traits.
table! {
    //                                            Send Sync Unpin
    Run<Work>                                  => yes yes yes;
    Run<Local>                                 => no  no  yes;
    Run<Sendable>                              => yes no  yes;
    Run<Pinned>                                => yes yes no;
    Shield<Work>                               => yes yes yes;
    Shield<Local>                              => no  no  yes;
    Shield<Pinned>                             => yes yes no;
    Channel<Sendable>                          => yes yes no;
    Channel<Local>                             => no  no  no;
}

// Builders hold settings, and nothing of their task's value.
table! {
    //                                            Send Sync Unpin
    TaskBuilder<Local, Ambient>                => yes yes yes;
    TaskBuilder<Local, DynRuntime, Configured> => yes yes yes;
    TaskBuilder<u32, Ambient, Contextual, Here> => yes yes yes;
    Supervision<u32, Ambient, Unconfigured, Pool> => yes yes yes;
    RestartPolicy                              => yes yes yes;
    Retry                                      => yes yes yes;
    FailedAttempt<'static>                     => yes yes yes;
    Hedge                                      => yes yes yes;
    HedgeBudget                                => yes yes yes;
    TaskBuilder<Local, Ambient, Hedging<Local>> => yes yes yes;
    Repeat<u32, Ambient, Unconfigured, Pool>   => yes yes yes;
    Schedule                                   => yes yes yes;
    OnFailure                                  => yes yes yes;
    Repeated                                   => yes yes yes;
    Chaos                                      => yes yes yes;
    ChaosError                                 => yes yes yes;
}

table! {
    //                                            Send Sync Unpin
    AsyncTaskError                             => yes yes yes;
    BoxError                                   => yes yes yes;
    PanicError                                 => yes yes yes;
    SeveralErrors                              => yes yes yes;
    SpawnError                                 => yes yes yes;
    RuntimeError                               => yes yes yes;
    TimeoutError                               => yes yes yes;
    TimeoutKind                                => yes yes yes;
}

// Runtimes. A guard belongs to the thread that it was created on.
table! {
    //                                            Send Sync Unpin
    Ambient                                    => yes yes yes;
    AmbientRuntime                             => yes yes yes;
    DynRuntime                                 => yes yes yes;
    DynJoin<Sendable>                          => yes yes yes;
    DynSleep                                   => yes yes yes;
    CurrentRuntime                             => yes yes yes;
    EnterGuard                                 => no  no  yes;
    BlockOnGuard                               => no  no  yes;
    RootScope                                  => yes yes yes;
    RuntimeSettings                            => yes yes yes;
    TaskStatistics                             => yes yes yes;
    Signal                                     => yes yes yes;
    Ended<u32>                                 => yes yes yes;
    Interval<AmbientRuntime>                   => yes yes yes;
    Interval<DynRuntime>                       => yes yes yes;
    MissedTicks                                => yes yes yes;
}

// Metrics. A metered value has the auto traits of the value in it.
table! {
    //                                            Send Sync Unpin
    Allocations                                => yes yes yes;
    CpuUsage                                   => yes yes yes;
    MemoryUsage                                => yes yes yes;
    IoCount                                    => yes yes yes;
    IoUsage                                    => yes yes yes;
    PollUsage                                  => yes yes yes;
    TaskMetrics                                => yes yes yes;
    Latencies                                  => yes yes yes;
    RuntimeMetrics                             => yes yes yes;
    BlockingStatistics                         => yes yes yes;
    Watch                                      => yes yes yes;
    TaskSnapshot                               => yes yes yes;
    RuntimeSnapshot                            => yes yes yes;
    Metered<u32>                               => yes yes yes;
    Metered<Sendable>                          => yes no  yes;
    Metered<Local>                             => no  no  yes;
    Metered<Pinned>                            => yes yes no;
}

// Rows and formats of optional features.
#[cfg(feature = "csv")]
table! {
    //                                            Send Sync Unpin
    Row                                        => yes yes yes;
    FieldError                                 => yes yes yes;
}
#[cfg(feature = "json")]
table! {
    //                                            Send Sync Unpin
    TextSource<'static, u32, JsonLines>        => yes no  yes;
}

// Pipelines. Events and collections have the auto traits of their values; one receiver at a time adds to a
// collector.
table! {
    //                                            Send Sync Unpin
    PipelineBuilder<Local, Ambient>            => yes yes yes;
    PipelineSender<u32, Ambient, fn()>         => yes yes yes;
    Pipeline<u32, Ambient, fn(), ()>           => yes yes yes;
    BoxedPipeline<Ambient, u32, u32>           => yes no  yes;
    BatchedSender<u32, Ambient, fn()>          => yes yes yes;
    ForEach<u32, Ambient, fn(), fn(), (), (), Event<u32>> => yes yes yes;
    Fold<u32, Ambient, fn(), fn(), fn(), (), (), ()> => yes yes yes;
    CollectVec<u32, Ambient, fn()>             => yes yes yes;
    Forward<u32, Ambient, fn(), Local>         => no  no  yes;
    WriteFile<u32, Ambient, fn(), Lines>       => yes yes yes;
    Sources<u32>                               => yes no  yes;
    ItemSource<'static, u32, Vec<u32>>         => yes no  yes;
    TextSource<'static, u32>                   => yes no  yes;
    TextSource<'static, u32, Csv>              => yes no  yes;
    TextSource<'static, u32, Lines>            => yes no  yes;
    Compression                                => yes yes yes;
    SenderStrategy                             => yes yes yes;
    EventSender<u32>                           => yes yes yes;
    EventSender<Sendable>                      => yes yes yes;
    EventSender<Pinned>                        => yes yes yes;
    SendError<Sendable>                        => yes no  yes;
    TrySendError<Sendable>                     => yes no  yes;
    Delimiter                                  => yes yes yes;
    Terminator                                 => yes yes yes;
    Trim                                       => yes yes yes;
    Header<'static>                            => yes yes yes;
    SourceError                                => yes yes yes;
    SourceErrorStrategy                        => yes yes yes;
    Rejects                                    => yes yes yes;
    RejectedRow                                => yes yes yes;
    ChunkSize                                  => yes yes yes;
    Collector<u32, u32>                        => yes yes yes;
    Collector<Sendable, Sendable>              => yes yes yes;
    Collection<u32, u32>                       => yes yes yes;
    Collection<u32, Sendable>                  => yes no  yes;
    Collection<u32, Local>                     => no  no  yes;
    Collected<u32, u32>                        => yes yes yes;
    Collected<u32, Sendable>                   => yes no  yes;
    Collected<u32, Local>                      => no  no  yes;
    CollectedError<u32>                        => yes yes yes;
    OnDuplicate<Local>                         => yes yes yes;
    Partition<u32, u32>                        => yes yes yes;
    Partition<u32, Sendable>                   => yes no  yes;
    Partition<u32, Local>                      => no  no  yes;
    EmittingTask<Sendable, AmbientRuntime>     => yes yes yes;
    EmittingTask<FinalEvent, AmbientRuntime, Events<Pinned>> => yes yes yes;
    EmittingTask<FinalEvent, AmbientRuntime, Events<Sendable>> => yes no yes;
    Event<u32>                                 => yes yes yes;
    Event<Sendable>                            => yes no  yes;
    Event<Local>                               => no  no  yes;
    EventId                                    => yes yes yes;
    FinalEvent                                 => yes yes yes;
    Batch<u32>                                 => yes yes yes;
    Batch<Sendable>                            => yes no  yes;
    Batch<Local>                               => no  no  yes;
    ErrorStrategy<Local>                       => yes yes yes;
    ErrorAction                                => yes yes yes;
    RetryEvents<Local>                         => yes yes yes;
    AskAboutErrors                             => yes yes yes;
    ReceiverStrategy                           => yes yes yes;
    RowError                                   => yes yes yes;
    TooManyErrors                              => yes yes yes;
    Position                                   => yes yes yes;
    Progress                                   => yes yes yes;
}

// Orchestras. Outputs of nodes are shared, and so must be `Sync` as well.
table! {
    //                                            Send Sync Unpin
    sweet_async::Orchestrator                  => yes yes yes;
    sweet_async::Orchestrator<DynRuntime>      => yes yes yes;
    OrchestratorBuilder<Ambient>               => yes yes yes;
    Orchestrated<Local, Ambient, Configured, Pool, Ambient> => yes yes yes;
    Node<u32>                                  => yes yes yes;
    Node<Sendable>                             => no  no  yes;
    NodeStatus                                 => yes yes yes;
    NamedContext                               => yes yes yes;
    ExecutionStats                             => yes yes yes;
    Ending                                     => yes no  yes;
    EdgePolicy                                 => yes yes yes;
    OrchestratorError                          => yes yes yes;
    Report                                     => yes yes yes;
}

// The same on each backend.
#[cfg(feature = "tokio")]
table! {
    sweet_async::Task<Sendable, sweet_async::tokio::TokioRuntime> => yes yes yes;
    sweet_async::tokio::TokioRuntime           => yes yes yes;
}
#[cfg(feature = "smol")]
table! {
    sweet_async::Task<Sendable, sweet_async::smol::SmolRuntime> => yes yes yes;
    sweet_async::smol::SmolRuntime             => yes yes yes;
}
#[cfg(feature = "sim")]
table! {
    sweet_async::Task<Sendable, sweet_async::sim::SimHandle> => yes yes yes;
    sweet_async::sim::SimHandle                => yes yes yes;
}
