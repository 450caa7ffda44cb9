//! A choice of combinations: each pair of values that can be, and others by chance.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::refusals::{RULES, Refusal, Rule};
use super::table::{Body, Workers};
use super::table::{
    Combination, DIMENSIONS, End, Fault, Options, PLAIN, Policy, SIZES, Source, Stages, Strategy,
};

/// Two dimensions, and a value in each.
type Pair = [(usize, usize); 2];

/// The combinations that cover each possible pair of values.
pub(super) struct Cover {
    pub(super) combinations: Vec<Combination>,
    /// The number of pairs in them.
    pub(super) pairs: usize,
    /// The pairs that are in no combination.
    pub(super) refused: usize,
}

/// Numbers from a seed.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`.
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % sides.max(1) as u64) as usize
    }
}

/// The number of completions of a pair that are tried. The one with most new pairs is taken.
const TRIES: u64 = 16;

/// The number of times that each dimension is drawn anew for a combination by chance.
const ROUNDS: usize = 3;

/// The choice that covers each possible pair. It is made once for all flavours.
pub(super) fn cover() -> &'static Cover {
    static COVER: OnceLock<Cover> = OnceLock::new();
    COVER.get_or_init(make_cover)
}

fn make_cover() -> Cover {
    let mut covered = BTreeSet::new();
    let (mut combinations, mut refused) = (Vec::new(), 0);
    for pair in all_pairs() {
        if covered.contains(&pair) {
            continue;
        }
        let Some(possible) = with(pair) else {
            refused += 1;
            continue;
        };
        let seeds = 0..TRIES;
        let completions = seeds.map(|seed| possible.walked(&pair, &mut Dice::new(seed)));
        let new = |one: &Combination| pairs(*one).filter(|pair| !covered.contains(pair)).count();
        let best = completions.max_by_key(new).unwrap_or(possible);
        covered.extend(pairs(best));
        combinations.push(best);
    }
    Cover { combinations, pairs: covered.len(), refused }
}

/// The number of combinations for each rule by which one is refused when it starts.
const REFUSED: usize = 10;

/// The number of combinations by chance among which those are looked for.
const DRAWN: u64 = 20_000;

/// Some combinations for each rule by which one is refused when it starts. No other rule refuses them.
pub(super) fn refused() -> &'static [Vec<Combination>] {
    static REFUSALS: OnceLock<Vec<Vec<Combination>>> = OnceLock::new();
    REFUSALS.get_or_init(|| {
        let is_config = |one: &Combination| matches!(one.refusal(), Some(Refusal::Config(_)));
        let drawn = (0..DRAWN).map(|seed| drawn(&mut Dice::new(seed)).settled(&[]));
        let refused: Vec<_> = drawn.filter(is_config).filter(|one| one.refused_with().count() == 1).collect();
        let rules = RULES.iter().filter(|rule| matches!(rule.how, Refusal::Config(_)));
        let of_rule =
            |rule: &Rule| refused.iter().copied().filter(|one| (rule.refuses)(*one)).take(REFUSED).collect();
        rules.map(of_rule).collect()
    })
}

/// A combination by chance that can be.
pub(super) fn by_chance(seed: u64) -> Combination {
    PLAIN.walked(&[], &mut Dice::new(seed))
}

fn drawn(dice: &mut Dice) -> Combination {
    let drawn = SIZES.map(|size| dice.roll(size));
    Combination { fault: Fault::Nothing, ..Combination::of(drawn).unwrap_or(PLAIN) }
}

fn all_pairs() -> impl Iterator<Item = Pair> {
    let values =
        || (0..).zip(SIZES).flat_map(|(dimension, size)| (0..size).map(move |value| (dimension, value)));
    values().flat_map(move |one: (usize, usize)| {
        values().filter(move |other| other.0 > one.0).map(move |other| [one, other])
    })
}

fn pairs(one: Combination) -> impl Iterator<Item = Pair> {
    let of = one.indexes();
    (0..).zip(of).flat_map(move |first| {
        (0..)
            .zip(of)
            .filter(move |second: &(usize, usize)| second.0 > first.0)
            .map(move |second| [first, second])
    })
}

/// The plainest combination that has this pair; `None` if there is none.
fn with(pair: Pair) -> Option<Combination> {
    let fixed = PLAIN.set(&pair)?.settled(&pair);
    let is_there = |one: &Combination| one.refusal().is_none();
    if is_there(&fixed) {
        return Some(fixed);
    }
    let changes = |one: Combination| {
        let free =
            (0..DIMENSIONS - 1).filter(move |dimension| pair.iter().all(|(fixed, _)| fixed != dimension));
        free.flat_map(move |dimension| {
            let size = SIZES.get(dimension).copied().unwrap_or(0);
            (0..size).filter_map(move |value| one.set(&[(dimension, value)]))
        })
    };
    let found = changes(fixed).find(is_there);
    found.or_else(|| changes(fixed).find_map(|one| changes(one).find(is_there)))
}

impl Combination {
    /// The same with other values.
    fn set(self, values: &[(usize, usize)]) -> Option<Self> {
        let mut indexes = self.indexes();
        for (dimension, value) in values {
            *indexes.get_mut(*dimension)? = *value;
        }
        Self::of(indexes)
    }

    /// The same with what its end and its fault need, but for the values that are fixed.
    fn settled(self, fixed: &[(usize, usize)]) -> Self {
        let mut needs = self;
        if !needs.end.has_receiver() {
            needs.body = Body::Async;
        }
        match needs.fault {
            Fault::Hangs => {
                needs.policy = Policy::EventTimeout;
                match needs.end {
                    End::ForEach | End::Collect => needs.body = Body::Async,
                    _ => needs.stages = Stages::Async,
                }
            }
            Fault::HeaderFails | Fault::HeaderPanics => {
                (needs.options, needs.source) = (Options::Header, Source::Csv);
            }
            Fault::TextFails | Fault::TextPanics => {
                (needs.end, needs.body) = (End::PublishItems, Body::Async);
            }
            Fault::StageFails | Fault::StagePanics => needs.stages = Stages::Async,
            Fault::KeyPanics => needs.stages = Stages::Keyed,
            Fault::ClonePanics => needs.strategy = Strategy::Retry,
            Fault::RejectsFails | Fault::RejectsPanics => needs.options = Options::RejectsSink,
            Fault::AskPanics => needs.strategy = Strategy::Ask,
            Fault::InitPanics | Fault::MergePanics => needs.end = End::Fold,
            Fault::HandlerPanics => needs.end = End::Collect,
            Fault::CloseFails => (needs.end, needs.body) = (End::Forward, Body::Async),
            _ => {}
        }
        if matches!(needs.policy, Policy::Breaker | Policy::Limiter) && needs.stages.has_keys() {
            needs.workers = Workers::One;
        }
        needs.set(fixed).unwrap_or(self)
    }

    /// Draws each dimension anew but for those that are fixed, and keeps what can be.
    fn walked(mut self, fixed: &[(usize, usize)], dice: &mut Dice) -> Self {
        for _ in 0..ROUNDS * DIMENSIONS {
            let dimension = dice.roll(DIMENSIONS);
            if fixed.iter().any(|(fixed, _)| *fixed == dimension) {
                continue;
            }
            // Some values need another one at the same time.
            let value = dice.roll(SIZES.get(dimension).copied().unwrap_or(1));
            let Some(drawn) = self.set(&[(dimension, value)]) else { continue };
            let mut keep = fixed.to_vec();
            keep.push((dimension, value));
            let options = [drawn, drawn.settled(&keep)];
            self = options.into_iter().find(|one| one.refusal().is_none()).unwrap_or(self);
        }
        self
    }
}
