//! A report as a picture: a lane for each of the tasks that were under way at the same time, a bar for each
//! task, and below these the tasks that never began.

use std::fmt::Write as _;
use std::time::Duration;

use crate::report::captions::{escaped, human, shortened};
use crate::report::graph_text::{COLOURS, colours};
use crate::report::log::{Report, ReportedTask};
use crate::status::NodeStatus;

const WIDTH: f64 = 1200.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 92.0;
/// The average width of a letter of the labels.
const LETTER: f64 = 6.4;
/// The maximum number of lines for failed tasks and for tasks that never began; the rest is counted.
const LINES: usize = 24;
/// The outline of a name beside its bar, where lines may pass.
const HALO: &str = " paint-order=\"stroke\" stroke=\"#ffffff\" stroke-width=\"4\"";

/// A round distance between ticks, so that there are about eight.
fn step(seconds: f64) -> f64 {
    let rough = (seconds / 8.0).max(1e-9);
    let decade = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|round| round * decade).find(|step| *step >= rough).unwrap_or(rough)
}

/// The positions of times and lanes.
struct Scale {
    elapsed: f64,
    lane: f64,
}

impl Scale {
    fn x(&self, time: Duration) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * (time.as_secs_f64() / self.elapsed).min(1.0)
    }

    fn y(&self, lane: usize) -> f64 {
        TOP + self.lane * lane as f64
    }
}

impl Report {
    /// The report as an SVG picture in one file, for any browser. It has a lane for each of the tasks that
    /// were under way at the same time, a bar for each task in the colour of its status, the critical path in
    /// bold, the failed tasks with their errors, and the tasks that never began with the reason.
    pub fn to_svg(&self) -> String {
        let lane = match self.lanes {
            0..=40 => 28.0,
            41..=200 => 16.0,
            _ => 6.0,
        };
        let scale = Scale { elapsed: self.elapsed.as_secs_f64().max(1e-9), lane };
        let bottom = scale.y(self.lanes.max(1));
        let notes = self.notes();
        let height = bottom + 44.0 + notes.len() as f64 * 19.0 + if notes.is_empty() { 0.0 } else { 14.0 };
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" width=\"{WIDTH}\" \
             height=\"{height:.0}\" style=\"max-width:100%;height:auto\" \
             font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
        );
        self.head(&mut svg);
        self.axis(&mut svg, &scale, bottom);
        // Drawn under the bars, so that their names can be read.
        self.path(&mut svg, &scale);
        self.bars(&mut svg, &scale);
        for (line, (status, text)) in notes.iter().enumerate() {
            let y = bottom + 58.0 + line as f64 * 19.0;
            let (fill, stroke) = colours(status);
            let _ = writeln!(
                svg,
                "<rect x=\"{LEFT}\" y=\"{:.1}\" width=\"11\" height=\"11\" rx=\"2\" fill=\"{fill}\" stroke=\"{stroke}\"/>\
                 <text x=\"{}\" y=\"{y:.1}\" fill=\"#1b1f24\">{}</text>",
                y - 10.0,
                LEFT + 18.0,
                escaped(&shortened(text, 165)),
            );
        }
        svg.push_str("</svg>\n");
        svg
    }

    /// The title, a summary in one line, and the meaning of the colours.
    fn head(&self, svg: &mut String) {
        let name = self.name.as_deref().unwrap_or("orchestra");
        let _ = writeln!(
            svg,
            "<text x=\"{LEFT}\" y=\"30\" font-size=\"18\" font-weight=\"600\" fill=\"#1b1f24\">{}</text>",
            escaped(&shortened(name, 90))
        );
        let average = self.stats.avg.map_or(String::new(), |avg| format!(", {} each on average", human(avg)));
        let _ = writeln!(
            svg,
            "<text x=\"{LEFT}\" y=\"50\" fill=\"#57606a\">{} tasks in {}{average}; at most {} at the same time</text>",
            self.tasks.len(),
            human(self.elapsed),
            self.lanes,
        );
        let mut x = LEFT;
        for (word, fill, line) in COLOURS {
            let count = self.tasks.iter().filter(|task| task.status.as_str() == word).count();
            if count > 0 {
                let label = format!("{count} {word}");
                let _ = writeln!(
                    svg,
                    "<rect x=\"{x:.1}\" y=\"64\" width=\"12\" height=\"12\" rx=\"2\" fill=\"{fill}\" stroke=\"{line}\"/>\
                     <text x=\"{:.1}\" y=\"74\" fill=\"#1b1f24\">{label}</text>",
                    x + 18.0,
                );
                x += 18.0 + LETTER * label.chars().count() as f64 + 22.0;
            }
        }
        if self.tasks.iter().any(|task| task.is_critical) {
            let _ = writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"64\" width=\"12\" height=\"12\" rx=\"2\" fill=\"none\" stroke=\"#1b1f24\" \
                 stroke-width=\"2.5\"/><text x=\"{:.1}\" y=\"74\" fill=\"#1b1f24\">critical path</text>",
                x + 18.0,
            );
        }
    }

    fn axis(&self, svg: &mut String, scale: &Scale, bottom: f64) {
        for lane in 0..self.lanes {
            let y = scale.y(lane);
            if lane % 2 == 0 {
                let _ = writeln!(
                    svg,
                    "<rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{}\" height=\"{}\" fill=\"#f6f8fa\"/>",
                    WIDTH - LEFT - RIGHT,
                    scale.lane,
                );
            }
            if scale.lane > 10.0 {
                let _ = writeln!(
                    svg,
                    "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" font-size=\"11\" fill=\"#57606a\">{}</text>",
                    LEFT - 8.0,
                    y + scale.lane / 2.0 + 4.0,
                    lane + 1,
                );
            }
        }
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" font-size=\"11\" fill=\"#57606a\">lane</text>",
            LEFT - 8.0,
            TOP - 6.0,
        );
        let step = step(scale.elapsed);
        for tick in 0..=(scale.elapsed / step).floor() as u32 {
            let time = Duration::from_secs_f64(step * f64::from(tick));
            let x = scale.x(time);
            let _ = writeln!(
                svg,
                "<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{:.1}\" stroke=\"#d0d7de\"/>\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"11\" fill=\"#57606a\">{}</text>",
                bottom + 5.0,
                bottom + 20.0,
                human(time),
            );
        }
    }

    fn bars(&self, svg: &mut String, scale: &Scale) {
        // In the order of lanes and times, so that each bar knows where the next one begins.
        let mut drawn: Vec<(usize, Duration, &ReportedTask)> =
            self.tasks.iter().filter_map(|task| Some((task.lane?, task.began?, task))).collect();
        drawn.sort_by_key(|(lane, began, _)| (*lane, *began));
        let mut next = drawn.iter().skip(1).map(|(lane, began, _)| (*lane, *began));
        // The lane that is drawn, and how far it is taken until now.
        let mut occupied = (usize::MAX, LEFT);
        for (lane, began, task) in &drawn {
            let end = task.ended.unwrap_or(self.elapsed);
            let (x, y, gap) = (scale.x(*began), scale.y(*lane), if scale.lane > 10.0 { 3.0 } else { 0.5 });
            let width = (scale.x(end) - x).max(1.5);
            let room = match next.next() {
                Some((other, begins)) if other == *lane => scale.x(begins) - x,
                _ => WIDTH - RIGHT - x,
            };
            let (fill, line) = colours(task.status.as_str());
            let (line, stroke) = if task.is_critical { ("#1b1f24", 2.5) } else { (line, 1.0) };
            let took = human(end.saturating_sub(*began));
            let why = task.error.as_deref().map_or(String::new(), |error| format!("\n{error}"));
            let _ = writeln!(
                svg,
                "<g><title>{}: {}, {took}, from {} to {}{}</title><rect x=\"{x:.2}\" y=\"{:.1}\" width=\"{width:.2}\" \
                 height=\"{:.1}\" rx=\"{}\" fill=\"{fill}\" stroke=\"{line}\" stroke-width=\"{stroke}\"/>",
                escaped(&task.name),
                escaped(&task.status.to_string()),
                human(*began),
                human(end),
                escaped(&why),
                y + gap,
                scale.lane - 2.0 * gap,
                if scale.lane > 10.0 { 3 } else { 0 },
            );
            let mark = match task.status {
                NodeStatus::Failed => "✗ ",
                NodeStatus::Cancelled => "⊘ ",
                _ => "",
            };
            let label = format!("{mark}{}", task.name);
            if occupied.0 != *lane {
                occupied = (*lane, LEFT);
            }
            let (after, room_before) = (x + width, x - occupied.1);
            occupied.1 = after;
            if scale.lane > 10.0 {
                let with_time = format!("{label}  {took}");
                let length = |text: &str| LETTER * text.chars().count() as f64 + 10.0;
                let (at, anchor, shown) = if length(&with_time) <= width {
                    (x + 6.0, "start", with_time)
                } else if length(&label) <= width {
                    (x + 6.0, "start", label)
                } else if length(&label) <= room - width {
                    occupied.1 = after + length(&label);
                    (after + 4.0, "start", label)
                } else if length(&label) <= room_before {
                    (x - 4.0, "end", label)
                } else {
                    let letters = ((width - 10.0) / LETTER).max(0.0) as usize;
                    (x + 6.0, "start", shortened(&label, letters))
                };
                if shown.chars().count() > 2 {
                    let is_inside = at > x && at < after;
                    let halo = if is_inside { "" } else { HALO };
                    let _ = writeln!(
                        svg,
                        "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" fill=\"#1b1f24\"{halo}>{}</text>",
                        y + scale.lane / 2.0 + 4.0,
                        escaped(&shown)
                    );
                }
            }
            svg.push_str("</g>\n");
        }
    }

    /// Draws a line from each task of the critical path to the next.
    fn path(&self, svg: &mut String, scale: &Scale) {
        let mut path: Vec<&ReportedTask> = self.tasks.iter().filter(|task| task.is_critical).collect();
        path.sort_by_key(|task| (task.began, task.ended));
        for (from, to) in path.iter().zip(path.iter().skip(1)) {
            let (Some(end), Some(begin)) = (from.ended, to.began) else { continue };
            let (Some(above), Some(below)) = (from.lane, to.lane) else { continue };
            let middle = |lane| scale.y(lane) + scale.lane / 2.0;
            let (x1, x2, y1, y2) = (scale.x(end), scale.x(begin), middle(above), middle(below));
            let _ = writeln!(
                svg,
                "<path d=\"M{x1:.1} {y1:.1} H{:.1} V{y2:.1} H{x2:.1}\" fill=\"none\" stroke=\"#1b1f24\" \
                 stroke-width=\"1.5\" stroke-dasharray=\"3 2\"/>",
                f64::midpoint(x1, x2),
            );
        }
    }

    /// The lines below the lanes, each with a status: the critical path, the failed tasks with their errors,
    /// and the tasks that never began with the reason.
    fn notes(&self) -> Vec<(&'static str, String)> {
        let failed = self.tasks.iter().filter(|task| task.status == NodeStatus::Failed).map(|task| {
            let error = task.error.as_deref().unwrap_or("failed");
            ("failed", format!("{} failed: {error}", task.name))
        });
        let begun = |task: &&ReportedTask| task.began.is_none() && task.status != NodeStatus::Failed;
        let unbegun = self.tasks.iter().filter(begun).map(|task| {
            let word = task.status.as_str();
            (word, format!("{} never began: {}", task.name, task.status))
        });
        let mut notes: Vec<_> = failed.chain(unbegun).collect();
        if notes.len() > LINES {
            let more = notes.len() - LINES;
            notes.truncate(LINES);
            notes.push(("pending", format!("and {more} more")));
        }
        let mut path: Vec<&ReportedTask> = self.tasks.iter().filter(|task| task.is_critical).collect();
        path.sort_by_key(|task| (task.began, task.ended));
        if path.len() > 1 {
            let took = |task: &ReportedTask| Some(human(task.ended?.saturating_sub(task.began?)));
            let steps = path.iter().map(|task| match took(task) {
                Some(took) => format!("{} ({took})", task.name),
                None => task.name.to_string(),
            });
            let steps: Vec<String> = steps.collect();
            notes.insert(0, ("critical path", format!("critical path: {}", steps.join(" → "))));
        }
        notes
    }
}
