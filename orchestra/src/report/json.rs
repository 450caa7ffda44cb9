//! The report as JSON, for other programs.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::report::log::{Report, ReportedTask};
use crate::status::{ExecutionStats, NodeStatus};

#[derive(Serialize)]
struct Document<'a> {
    name: Option<&'a str>,
    elapsed: f64,
    lanes: usize,
    stats: Stats,
    critical_path: Vec<String>,
    tasks: Vec<Task<'a>>,
}

#[derive(Serialize)]
struct Stats {
    pending: usize,
    running: usize,
    completed: usize,
    restored: usize,
    failed: usize,
    cancelled: usize,
    skipped: usize,
    min: Option<f64>,
    avg: Option<f64>,
    max: Option<f64>,
}

#[derive(Serialize)]
struct Task<'a> {
    name: &'a str,
    status: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    restored: bool,
    cause: Option<String>,
    error: Option<&'a str>,
    began: Option<f64>,
    ended: Option<f64>,
    lane: Option<usize>,
    critical: bool,
    depends_on: Vec<&'a str>,
}

impl From<&ExecutionStats> for Stats {
    fn from(stats: &ExecutionStats) -> Self {
        let seconds = |time: Option<Duration>| time.as_ref().map(Duration::as_secs_f64);
        Self {
            pending: stats.pending,
            running: stats.running,
            completed: stats.completed,
            restored: stats.restored,
            failed: stats.failed,
            cancelled: stats.cancelled,
            skipped: stats.skipped,
            min: seconds(stats.min),
            avg: seconds(stats.avg),
            max: seconds(stats.max),
        }
    }
}

impl<'a> From<&'a ReportedTask> for Task<'a> {
    fn from(task: &'a ReportedTask) -> Self {
        Self {
            name: &task.name,
            status: task.status.as_str(),
            restored: task.is_restored,
            cause: match &task.status {
                NodeStatus::Skipped { cause } => Some(cause.to_string()),
                _ => None,
            },
            error: task.error.as_deref(),
            began: task.began.as_ref().map(Duration::as_secs_f64),
            ended: task.ended.as_ref().map(Duration::as_secs_f64),
            lane: task.lane,
            critical: task.is_critical,
            depends_on: task.depends_on.iter().map(|name| &**name).collect(),
        }
    }
}

impl Report {
    /// The report as JSON; times are in seconds. A task has `restored` only where that is true.
    pub fn to_json(&self) -> String {
        // Names, numbers and lists of them: none of these can fail, nor can a write to memory.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// As [`Report::to_json`] writes it.
impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let document = Document {
            name: self.name.as_deref(),
            elapsed: self.elapsed.as_secs_f64(),
            lanes: self.lanes,
            stats: (&self.stats).into(),
            critical_path: self.critical_path().iter().map(|name| name.to_string()).collect(),
            tasks: self.tasks.iter().map(Task::from).collect(),
        };
        document.serialize(serializer)
    }
}
