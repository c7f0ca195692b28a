//! Cancelled tasks that wait for their time: in the queue of a `java.util.Timer`, or of a
//! `ScheduledThreadPoolExecutor`. Neither removes a task when it is cancelled, unless told to.

use std::cmp::Reverse;

use crate::addresses::{Near, Number};
use crate::classes::ClassNumber;
use crate::columns::Bits;
use crate::entry::{ClassDump, Visitor};
use crate::error::Error;
use crate::layout::{Field, Finder};
use crate::look::look;
use crate::progress::Phase;
use crate::rules::by_class::ByClass;
use crate::rules::{Case, Finding};
use crate::value::Type;
use crate::words::{by_number, counted, duration, grouped};

/// A kind of queue.
struct Kind {
    rule: &'static str,
    /// The queue's class and the field with its array of tasks.
    queue: (&'static str, &'static str),
    /// The class of the tasks.
    task: &'static str,
    /// The values of the task's field `state` that mean cancelled.
    cancelled: std::ops::RangeInclusive<u64>,
    /// The task's field with the time it waits for, in milliseconds since 1970.
    time: Option<&'static str>,
    owner: &'static str,
    advice: &'static str,
}

const KINDS: [Kind; 2] = [
    Kind {
        rule: "cancelled_timer_tasks",
        queue: ("java.util.TaskQueue", "queue"),
        task: "java.util.TimerTask",
        cancelled: 3..=3,
        time: Some("nextExecutionTime"),
        owner: "java.util.Timer",
        advice: "Call Timer.purge() after cancelling tasks, or take a version of the library that does: \
                 TimerTask.cancel() leaves the task, and all that it refers to, in the queue until its time.",
    },
    Kind {
        rule: "cancelled_executor_tasks",
        queue: (
            "java.util.concurrent.ScheduledThreadPoolExecutor$DelayedWorkQueue",
            "queue",
        ),
        task: "java.util.concurrent.FutureTask",
        cancelled: 4..=6,
        time: None,
        owner: "java.util.concurrent.ScheduledThreadPoolExecutor",
        advice: "Call ScheduledThreadPoolExecutor.setRemoveOnCancelPolicy(true), so that a task leaves the queue when \
                 it is cancelled and not when its time has come.",
    },
];

/// Queues of one kind that are looked at, those with most tasks.
const MOST_QUEUES: usize = 8;

pub(super) fn find(case: &Case<'_>) -> Result<Vec<Finding>, Error> {
    let mut found = Vec::new();
    for kind in &KINDS {
        found.extend(of_kind(case, kind)?);
    }
    Ok(found)
}

/// One queue and its tasks.
struct Queue {
    object: Number,
    /// In ascending order.
    tasks: Vec<Number>,
}

/// What the tasks' fields say.
#[derive(Debug, Clone, Default)]
struct Tally {
    cancelled: Vec<Number>,
    until_ms: u64,
}

fn of_kind(case: &Case<'_>, kind: &Kind) -> Result<Vec<Finding>, Error> {
    let Some(class) = case.class(kind.queue.0) else {
        return Ok(Vec::new());
    };
    let queues = queues(case, kind, class);
    if queues.is_empty() {
        return Ok(Vec::new());
    }
    let tallies = read_tasks(case, kind, &queues)?;
    let on_paths = ByClass::at(&case.held_through(class));
    let told = queues.iter().zip(&tallies).filter_map(|(queue, tally)| {
        // What is nearer to another root would stay without the task.
        let held = reached(case, queue, tally).at_most(&on_paths);
        finding(case, kind, queue, tally, &held)
    });
    Ok(told.collect())
}

/// The queues with most tasks.
fn queues(case: &Case<'_>, kind: &Kind, class: ClassNumber) -> Vec<Queue> {
    let Finder { dump, names, .. } = case.finder;
    let holding = case.told.shapes.holding(class);
    let is_array = |field: &Field| names.read(dump, field.name) == kind.queue.1;
    let Some(place) = holding.iter().position(is_array) else {
        return Vec::new();
    };
    let array_of = |queue: Number| {
        let mut held = case.graph.held_by(case.objects, queue);
        let (array, _) = held.find(|&(_, at)| usize::from(at) == place)?;
        Some((queue, array))
    };
    let instances = case.instances(class);
    let mut arrays: Vec<(Number, Number)> = instances.into_iter().filter_map(array_of).collect();
    let tasks = |&(_, array): &(Number, Number)| case.objects.references.get(array);
    arrays.retain(|queue| tasks(queue) > 0);
    arrays.sort_by_key(|queue| Reverse(tasks(queue)));
    arrays.truncate(MOST_QUEUES);
    let with_tasks = |(object, array)| {
        let held = case.graph.held_by(case.objects, array);
        let mut tasks: Vec<Number> = held.map(|(task, _)| task).collect();
        tasks.sort_unstable();
        tasks.dedup();
        Queue { object, tasks }
    };
    arrays.into_iter().map(with_tasks).collect()
}

/// The finalizable objects that the cancelled tasks of a queue lead to, but by way of its other tasks or of any queue.
fn reached(case: &Case<'_>, queue: &Queue, tally: &Tally) -> ByClass {
    let queue_class = case.objects.classes.get(queue.object);
    let mut reached = ByClass::default();
    let mut seen = Bits::new(case.objects.classes.len());
    for &task in &queue.tasks {
        seen.set(task);
    }
    let mut todo = tally.cancelled.clone();
    while let Some(object) = todo.pop() {
        if case.registry.referents.get(object) {
            reached.add(case.objects.classes.get(object), 1);
        }
        for (target, _) in case.graph.held_by(case.objects, object) {
            let is_closed = case.registry.finalizers.get(target)
                || case.objects.classes.get(target) == queue_class;
            if !is_closed && seen.set(target) {
                todo.push(target);
            }
        }
    }
    reached
}

fn read_tasks(case: &Case<'_>, kind: &Kind, queues: &[Queue]) -> Result<Vec<Tally>, Error> {
    let classes = case.finder.classes;
    let Some(base) = classes.of_boot_loader(kind.task) else {
        return Ok(vec![Tally::default(); queues.len()]);
    };
    let fields = classes
        .descendants(base)
        .into_iter()
        .enumerate()
        .map(|(class, is_task)| {
            let class = class as ClassNumber;
            if !is_task || classes.get(class).instances == 0 {
                return None;
            }
            let time = kind
                .time
                .and_then(|name| case.finder.field(class, kind.task, name));
            Some((case.finder.field(class, kind.task, "state")?, time))
        });
    let fields: Vec<Option<(Field, Option<Field>)>> = fields.collect();
    let fetcher = case.fetcher;
    let looked = look(
        fetcher.dump,
        fetcher.survey,
        fetcher.progress,
        Phase::Inspecting,
        || Reader {
            case,
            kind,
            queues,
            fields: &fields,
            near: Near::default(),
            tallies: vec![Tally::default(); queues.len()],
        },
    )?;
    let mut sums = vec![Tally::default(); queues.len()];
    for reader in looked {
        for (sum, tally) in sums.iter_mut().zip(reader.tallies) {
            sum.cancelled.extend(tally.cancelled);
            sum.until_ms = sum.until_ms.max(tally.until_ms);
        }
    }
    Ok(sums)
}

struct Reader<'a> {
    case: &'a Case<'a>,
    kind: &'a Kind,
    queues: &'a [Queue],
    fields: &'a [Option<(Field, Option<Field>)>],
    near: Near,
    tallies: Vec<Tally>,
}

impl Visitor for Reader<'_> {
    const ELEMENTS: bool = false;

    fn class(&mut self, _at: u64, _class: ClassDump) {}

    #[inline]
    fn instance(&mut self, _at: u64, id: u64, class: u64, body: &[u8]) {
        let survey = self.case.fetcher.survey;
        let fields = survey
            .classes
            .number(class)
            .and_then(|class| self.fields[class as usize].as_ref());
        let Some((state, time)) = fields else { return };
        let Some(number) = survey.index.number_near(id, &mut self.near) else {
            return;
        };
        let ids = self.case.finder.dump.ids;
        for (queue, tally) in self.queues.iter().zip(&mut self.tallies) {
            let is_cancelled = self.kind.cancelled.contains(&state.read(ids, body));
            if is_cancelled && queue.tasks.binary_search(&number).is_ok() {
                tally.cancelled.push(number);
                let until = time.map_or(0, |time| time.read(ids, body));
                tally.until_ms = tally.until_ms.max(until);
            }
        }
    }

    fn object_array(&mut self, _at: u64, _id: u64, _class: u64, _length: u32) {}

    fn primitive_array(&mut self, _at: u64, _id: u64, _element: Type, _length: u32, _body: u64) {}
}

/// What is said of a queue; nothing where no finalizable object hangs on its cancelled tasks.
fn finding(
    case: &Case<'_>,
    kind: &Kind,
    queue: &Queue,
    tally: &Tally,
    held: &ByClass,
) -> Option<Finding> {
    let class = held.most(case)?;
    let field = |class: &str, name: &str| format!("{class}.{name}");
    let (tasks, cancelled) = (queue.tasks.len() as u64, tally.cancelled.len() as u64);
    let mut fields_read = vec![field(kind.queue.0, kind.queue.1), field(kind.task, "state")];
    let mut evidence = vec![("tasks", tasks), ("cancelled", cancelled)];
    let mut text = format!(
        "{} of the {} in the queue of {} {} cancelled ({}.state) and {} there until {} time",
        grouped(cancelled),
        counted(tasks, "task"),
        owner(case, kind, queue),
        by_number(cancelled, "is", "are"),
        kind.task,
        by_number(cancelled, "stays", "stay"),
        by_number(cancelled, "its", "their")
    );
    if let Some(time) = kind.time {
        fields_read.push(field(kind.task, time));
        evidence.push(("until_ms", tally.until_ms));
        let left = duration(tally.until_ms.saturating_sub(case.made_ms));
        text += &format!(" ({time}), the last for {left} after the dump");
    }
    let count = held.sum();
    let most = if held.len() > 1 { "most of them " } else { "" };
    text += &format!(
        "; through {} {} {} held, {most}{class}",
        by_number(cancelled, "it", "them"),
        counted(count, "finalizable object"),
        by_number(count, "is", "are")
    );
    Some(Finding {
        rule: kind.rule,
        count,
        class: Some(class),
        evidence,
        fields_read,
        text,
        advice: kind.advice,
    })
}

/// The thread that serves the queue, where one refers to it.
fn owner(case: &Case<'_>, kind: &Kind, queue: &Queue) -> String {
    let index = &case.fetcher.survey.index;
    let serves = |object: u64| {
        let number = index.number(object)?;
        case.graph
            .held_by(case.objects, number)
            .find(|&(target, _)| target == queue.object)
    };
    let thread = case
        .threads
        .values()
        .find(|thread| serves(thread.object).is_some());
    thread.map_or_else(
        || format!("a {}", kind.owner),
        |thread| format!("{} '{}'", kind.owner, thread.name),
    )
}
