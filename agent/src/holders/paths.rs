//! The ways from roots to objects, merged: objects of one class that are reached in the same
//! way are one node.
//!
//! What is reached in the same way is alike. So of each node only so many objects are looked
//! at, and how many there are of those behind them is estimated: a node whose objects lead to
//! so many others on the average has so many behind it in all. If they share them there are
//! fewer: that is told by those that are met again.
//!
//! The VM goes depth first, so the way in which an object is met first may be any, and a long
//! one. The other references to it are counted too, and the way that is told is the shortest
//! of those in which nearly all objects of a node are reached.
//!
//! Grows while the application stands still, so it is small and finds what it found before
//! without a search.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

use crate::jvmti::Frame;

/// Where an object is, or a root.
pub type Node = u32;

/// Nodes, at the most; what comes then is put where it branches off.
const MOST_NODES: usize = 1 << 16;

/// Other references that are counted, by where they come from and lead to, at the most.
const MOST_OTHERS: usize = 1 << 16;

/// Objects on a way among which a step is looked for that would be made a second time.
const LOOK_BACK: usize = 24;

/// The part of a node's objects that is as good as all.
const NEARLY_ALL: f64 = 0.9;

/// Steps that are remembered by themselves, a power of two.
const REMEMBERED: usize = 1 << 10;

/// Where a path begins. Classes and threads by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Start {
    /// The object of a thread.
    Thread(u32),
    /// A local variable.
    Stack(Frame),
    /// A JNI local reference.
    JniLocal(Frame),
    /// A static field, by class and JVMTI's index.
    Static(u32, i32),
    /// A static field, by class and its place among those that the class itself declares.
    OwnStatic(u32, u32),
    /// A class, by what belongs to it.
    Class(u32),
    /// A JNI global reference.
    JniGlobal,
    /// A monitor.
    Monitor,
    /// Something inside the VM.
    Other,
}

/// Which part of an object leads on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Via {
    /// A field, by JVMTI's index.
    Field(i32),
    /// An element of an array, or no field.
    NoField,
}

/// How a node is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    Start(Start),
    From { node: Node, via: Via, class: u32 },
}

/// All ways that were gone.
pub struct Paths {
    nodes: Vec<Place>,
    index: HashMap<Step, Node>,
    remembered: Vec<Option<(Step, Node)>>,
    /// References to objects that had been met, from node to node.
    others: HashMap<(Node, Via, Node), u64>,
}

struct Place {
    step: Step,
    /// Objects that were referred to here and nowhere before.
    met: u64,
    /// Those of them that are known again.
    known: u64,
    /// Those of these that were met again in the same way.
    repeated: u64,
    /// Objects whose references were looked at; a part of one, of a long array.
    seen: f64,
}

impl Place {
    fn class(&self) -> Option<u32> {
        match self.step {
            Step::From { class, .. } => Some(class),
            Step::Start(_) => None,
        }
    }
}

impl Paths {
    /// None yet.
    pub fn new() -> Paths {
        Paths {
            nodes: Vec::new(),
            index: HashMap::new(),
            remembered: vec![None; REMEMBERED],
            others: HashMap::new(),
        }
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.nodes.clear();
        self.index.clear();
        self.others.clear();
        self.remembered.fill(None);
    }

    /// The node of a root.
    pub fn start(&mut self, start: Start) -> Node {
        self.node(Step::Start(start)).unwrap_or(0)
    }

    /// The node of an object that another refers to. A step that was made on the way before
    /// leads there again: what is linked to its own kind, such as the nodes of a list or a
    /// tree, is one node after the second.
    pub fn step(&mut self, node: Node, via: Via, class: u32) -> Node {
        self.node(Step::From { node, via, class }).unwrap_or(node)
    }

    /// `None` where there is no room for it.
    fn node(&mut self, step: Step) -> Option<Node> {
        let slot = slot(&step);
        if let Some((known, node)) = self.remembered[slot]
            && known == step
        {
            return Some(node);
        }
        let node = match self.index.get(&step) {
            Some(&node) => node,
            None if self.index.len() >= MOST_NODES => return None,
            None => {
                let node = self.made_before(step).unwrap_or_else(|| self.add(step));
                self.index.insert(step, node);
                node
            }
        };
        self.remembered[slot] = Some((step, node));
        Some(node)
    }

    fn add(&mut self, step: Step) -> Node {
        let node = self.nodes.len() as Node;
        self.nodes.push(Place {
            step,
            met: 0,
            known: 0,
            repeated: 0,
            seen: 0.0,
        });
        node
    }

    /// The node on the way to which the same step led: from the same class, by the same part,
    /// to the same class.
    fn made_before(&self, step: Step) -> Option<Node> {
        let Step::From { node, via, class } = step else {
            return None;
        };
        let from = self.class(node)?;
        let mut at = node;
        for _ in 0..LOOK_BACK {
            let Step::From {
                node: before,
                via: by,
                class: of,
            } = self.nodes.get(at as usize)?.step
            else {
                return None;
            };
            if by == via && of == class && self.class(before) == Some(from) {
                return Some(at);
            }
            at = before;
        }
        None
    }

    fn class(&self, node: Node) -> Option<u32> {
        self.nodes.get(node as usize)?.class()
    }

    /// One more object was met at a node. How many that makes.
    pub fn meet(&mut self, node: Node) -> u64 {
        self.nodes.get_mut(node as usize).map_or(0, |place| {
            place.met += 1;
            place.met
        })
    }

    /// An object that was met at a node is known when it is met again.
    pub fn know(&mut self, node: Node) {
        if let Some(place) = self.nodes.get_mut(node as usize) {
            place.known += 1;
        }
    }

    /// Objects of a node that are known when they are met again.
    pub fn known(&self, node: Node) -> u64 {
        self.nodes.get(node as usize).map_or(0, |place| place.known)
    }

    /// An object of a node was met again, and `repeatedly` in the same way. Whether that is so
    /// for the first time.
    pub fn meet_again(&mut self, from: Node, via: Via, node: Node, repeatedly: bool) -> bool {
        if from == node {
            return false;
        }
        let room = self.others.len() < MOST_OTHERS;
        match self.others.get_mut(&(from, via, node)) {
            Some(count) => *count += 1,
            None if room => {
                self.others.insert((from, via, node), 1);
            }
            None => return false,
        }
        let Some(place) = self.nodes.get_mut(node as usize) else {
            return false;
        };
        let same_way =
            matches!(place.step, Step::From { node, via: by, .. } if (node, by) == (from, via));
        let is_first = same_way && !repeatedly;
        place.repeated += u64::from(is_first);
        is_first
    }

    /// The references of one more object were looked at, or those of a part of it.
    pub fn see(&mut self, node: Node, part: f64) {
        if let Some(place) = self.nodes.get_mut(node as usize) {
            place.seen += part;
        }
    }

    /// The nodes of objects of a class: how many were met there, and how many there are, as
    /// far as can be told from what was seen.
    pub fn ends(&self, class: u32) -> Vec<End> {
        let mut others: HashMap<(Node, Via), Vec<(Node, u64)>> = HashMap::new();
        for (&(from, via, node), &count) in &self.others {
            others.entry((from, via)).or_default().push((node, count));
        }
        let mut estimates: Vec<f64> = Vec::with_capacity(self.nodes.len());
        for place in &self.nodes {
            // A node is made after the one before it.
            let estimate = match place.step {
                Step::Start(_) => 1.0,
                Step::From { node, via, .. } => {
                    let before = &self.nodes[node as usize];
                    let there = estimates[node as usize];
                    // What was met in objects that were not noted as seen was met in one.
                    let part = match before.step {
                        Step::From { .. } if before.seen > 0.0 => (before.seen / there).min(1.0),
                        _ => 1.0,
                    };
                    let others = others.get(&(node, via)).map_or(&[][..], Vec::as_slice);
                    self.estimate(place, part, others, &estimates)
                }
            };
            estimates.push(estimate);
        }
        let nodes = self.nodes.iter().zip(estimates).enumerate();
        let is_end =
            |place: &Place| matches!(place.step, Step::From { class: of, .. } if of == class);
        let ends = nodes.filter(|(_, (place, _))| is_end(place) && place.met > 0);
        let mut ends: Vec<End> = ends
            .map(|(node, (place, estimate))| End {
                node: node as Node,
                met: place.met,
                estimate,
            })
            .collect();
        ends.sort_by(|a, b| b.estimate.total_cmp(&a.estimate).then(a.node.cmp(&b.node)));
        ends
    }

    /// How many objects there are at a place, of the references to which a part was looked at.
    /// `others` were met again by these references, `estimates` are of the nodes made before.
    ///
    /// None of them was met again: each has a reference of its own, and there are as many as
    /// references. Otherwise those met once and those met again tell how many are still unseen (Chao and
    /// Lin, "Nonparametric lower bounds for species richness ... under sampling without replacement", 2012).
    fn estimate(&self, place: &Place, part: f64, others: &[(Node, u64)], estimates: &[f64]) -> f64 {
        let (mut met, known) = (place.met as f64, place.known as f64);
        for &(node, count) in others {
            let other = &self.nodes[node as usize];
            if let Some(estimate) = estimates.get(node as usize)
                && other.known > 0
                && other.class() == place.class()
            {
                // For each that is known there are others of the same kind that are not.
                met -= count as f64 * (estimate / other.known as f64 - 1.0);
            }
        }
        let (mut distinct, mut repeated) = (met.max(0.0), 0.0);
        if known > 0.0 {
            repeated = place.repeated as f64 / known;
            // Those that are not known are met again as those that are.
            distinct = distinct.min(known) + (distinct - known).max(0.0) / (1.0 + repeated);
            // Those that are known were met first, and had the most time to be met again.
            repeated *= distinct / (2.0 * distinct - known).max(known);
        }
        let (once, left) = (1.0 - repeated, 1.0 - part);
        let unseen = match once > 0.0 {
            true => once * once * left / (2.0 * repeated * left + part * once),
            false => 0.0,
        };
        (distinct * (1.0 + unseen)).max(known)
    }

    /// The shortest way to each node, which goes by what only holds `softly` where there is no other.
    pub fn shortest(&self, softly: impl Fn(u32, Via) -> bool) -> Shortest<'_> {
        let mut onward: HashMap<Node, Vec<(Via, Node)>> = HashMap::new();
        for (node, place) in self.nodes.iter().enumerate() {
            if let Step::From {
                node: before, via, ..
            } = place.step
            {
                onward.entry(before).or_default().push((via, node as Node));
            }
        }
        for (&(from, via, node), &count) in &self.others {
            let known = self.nodes.get(node as usize).map_or(0, |place| place.known);
            let is_soft = self.class(from).is_some_and(|class| softly(class, via));
            if count as f64 >= NEARLY_ALL * known as f64 && !is_soft {
                onward.entry(from).or_default().push((via, node));
            }
        }
        let mut before: Vec<Option<(Node, Via)>> = vec![None; self.nodes.len()];
        let mut costs = vec![u32::MAX; self.nodes.len()];
        let mut open = BinaryHeap::new();
        for (node, place) in self.nodes.iter().enumerate() {
            if let Step::Start(start) = place.step {
                costs[node] = cost(start);
                open.push(Reverse((costs[node], node as Node)));
            }
        }
        while let Some(Reverse((cost, node))) = open.pop() {
            if cost > costs[node as usize] {
                continue;
            }
            for &(via, next) in onward.get(&node).into_iter().flatten() {
                // Equal costs: the node that was made first, for the same answer every time.
                let is_better = match before[next as usize] {
                    _ if cost + 1 < costs[next as usize] => true,
                    Some(known) => cost + 1 == costs[next as usize] && (node, via) < known,
                    None => false,
                };
                if is_better {
                    costs[next as usize] = cost + 1;
                    before[next as usize] = Some((node, via));
                    open.push(Reverse((cost + 1, next)));
                }
            }
        }
        Shortest {
            paths: self,
            before,
        }
    }
}

/// The shortest way to each node.
pub struct Shortest<'a> {
    paths: &'a Paths,
    before: Vec<Option<(Node, Via)>>,
}

impl Shortest<'_> {
    /// The way to a node: where it starts, the objects on it with the part that leads on, the
    /// node itself left out.
    pub fn way(&self, end: Node) -> Way {
        let mut links = Vec::new();
        let mut at = end;
        let mut leading = None;
        loop {
            match self.paths.nodes.get(at as usize).map(|place| place.step) {
                None => return (Start::Other, Vec::new()),
                Some(Step::Start(start)) => {
                    links.reverse();
                    return (start, links);
                }
                Some(Step::From {
                    node, via, class, ..
                }) => {
                    links.extend(leading.map(|leading| (class, leading)));
                    let (before, via) = self.before[at as usize].unwrap_or((node, via));
                    leading = Some(via);
                    at = before;
                }
            }
        }
    }
}

/// What a way costs that begins there, in links: threads and static fields say most, and a
/// frame or a monitor leads to what a thread or a static field leads to as well.
fn cost(start: Start) -> u32 {
    match start {
        Start::Thread(_) | Start::Static(..) | Start::OwnStatic(..) => 0,
        Start::Class(_) | Start::JniGlobal => 4,
        Start::Stack(_) | Start::JniLocal(_) => 8,
        Start::Monitor | Start::Other => 12,
    }
}

/// Where a way starts, and the objects on it by their class with the part that leads on.
pub type Way = (Start, Vec<(u32, Via)>);

/// The objects of a class that are reached in one way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct End {
    /// Where.
    pub node: Node,
    /// How many were met.
    pub met: u64,
    /// How many there are.
    pub estimate: f64,
}

impl End {
    /// Those of another node, which are reached in the same way after all.
    pub fn add(&mut self, other: &End) {
        self.met += other.met;
        self.estimate += other.estimate;
    }
}

fn slot(step: &Step) -> usize {
    let mixed = match *step {
        Step::Start(_) => 0,
        Step::From { node, via, class } => {
            let via = match via {
                Via::Field(index) => index as u32,
                Via::NoField => u32::MAX,
            };
            node.wrapping_mul(31).wrapping_add(class).wrapping_mul(31) ^ via
        }
    };
    (mixed.wrapping_mul(0x9E37_79B9) >> 22) as usize % REMEMBERED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_way_is_gone_once() {
        let mut paths = Paths::new();
        let thread = paths.start(Start::Thread(0));
        let queue = paths.step(thread, Via::NoField, 1);
        paths.meet(queue);
        paths.see(queue, 1.0);
        for _ in 0..3 {
            let task = paths.step(queue, Via::Field(4), 2);
            paths.meet(task);
        }
        let other = paths.step(queue, Via::Field(5), 2);
        paths.meet(other);
        let ends = paths.ends(2);
        let estimates: Vec<f64> = ends.iter().map(|end| end.estimate).collect();
        assert_eq!(estimates, [3.0, 1.0]);
        let way = paths.shortest(|_, _| false).way(ends[0].node);
        assert_eq!(way, (Start::Thread(0), vec![(1, Via::Field(4))]));
    }

    #[test]
    fn what_is_behind_those_that_were_not_looked_at_is_estimated() {
        let mut paths = Paths::new();
        let array = paths.start(Start::Static(7, 0));
        let array = paths.step(array, Via::NoField, 1);
        paths.meet(array);
        // A hundredth of it: 80 objects and 20 nulls.
        paths.see(array, 0.01);
        let task = paths.step(array, Via::NoField, 2);
        for _ in 0..80 {
            paths.meet(task);
        }
        paths.see(task, 40.0);
        let statement = paths.step(task, Via::Field(0), 3);
        for _ in 0..20 {
            paths.meet(statement);
        }
        let ends = paths.ends(3);
        assert_eq!((ends.len(), ends[0].met), (1, 20));
        assert!((ends[0].estimate - 4000.0).abs() < 1e-6, "{ends:?}");
    }

    #[test]
    fn a_list_is_as_long_as_its_first_link() {
        let mut paths = Paths::new();
        let list = paths.start(Start::Static(7, 0));
        let mut node = paths.step(list, Via::NoField, 1);
        for _ in 0..1000 {
            node = paths.step(node, Via::Field(2), 1);
        }
        let end = paths.step(node, Via::Field(0), 9);
        let links = vec![(1, Via::Field(2)), (1, Via::Field(0))];
        assert_eq!(
            paths.shortest(|_, _| false).way(end),
            (Start::Static(7, 0), links)
        );
    }

    #[test]
    fn a_chain_of_two_kinds_is_as_long_as_its_first_links() {
        let mut paths = Paths::new();
        let start = paths.start(Start::Static(7, 0));
        let mut node = paths.step(start, Via::NoField, 1);
        for _ in 0..1000 {
            let other = paths.step(node, Via::Field(0), 2);
            node = paths.step(other, Via::Field(1), 1);
        }
        assert!(paths.nodes.len() < 8, "{} nodes", paths.nodes.len());
    }

    #[test]
    fn the_way_that_is_told_is_the_shortest_in_which_nearly_all_are_reached() {
        let mut paths = Paths::new();
        let far = paths.start(Start::Static(7, 0));
        let far = (1..5).fold(far, |node, class| paths.step(node, Via::Field(0), class));
        let queue = paths.step(far, Via::Field(1), 8);
        let task = paths.step(queue, Via::NoField, 9);
        for _ in 0..10 {
            paths.meet(task);
            paths.know(task);
        }
        paths.know(queue);
        let thread = paths.start(Start::Thread(0));
        let thread = paths.step(thread, Via::NoField, 6);
        let some = paths.start(Start::Static(3, 0));
        let some = paths.step(some, Via::NoField, 2);
        for _ in 0..8 {
            paths.meet_again(some, Via::Field(5), task, false);
        }
        assert_eq!(paths.shortest(|_, _| false).way(task).1.len(), 5);
        paths.meet_again(thread, Via::Field(2), queue, false);
        let links = vec![(6, Via::Field(2)), (8, Via::NoField)];
        assert_eq!(
            paths.shortest(|_, _| false).way(task),
            (Start::Thread(0), links)
        );
        paths.meet_again(some, Via::Field(5), task, false);
        let way = (Start::Static(3, 0), vec![(2, Via::Field(5))]);
        assert_eq!(paths.shortest(|_, _| false).way(task), way);
    }

    /// An array in a static field, of whose elements some are looked at: `lead_to` says which object each leads to.
    /// Of the objects only the first `alike` are known again.
    fn look_at_elements(
        paths: &mut Paths,
        field: i32,
        part: f64,
        alike: u64,
        known: &mut HashMap<u64, (Node, bool)>,
        lead_to: impl Iterator<Item = u64>,
    ) {
        let array = paths.start(Start::Static(7, field));
        let array = paths.step(array, Via::NoField, 1);
        paths.meet(array);
        paths.see(array, part);
        for object in lead_to {
            if let Some((node, repeatedly)) = known.get_mut(&object) {
                *repeatedly |= paths.meet_again(array, Via::NoField, *node, *repeatedly);
                continue;
            }
            let node = paths.step(array, Via::NoField, 2);
            if paths.meet(node) <= alike {
                paths.know(node);
                known.insert(object, (node, false));
            }
        }
    }

    fn estimate(paths: &Paths) -> f64 {
        paths.ends(2).iter().map(|end| end.estimate).sum()
    }

    #[test]
    fn objects_that_many_share_are_not_as_many() {
        let mut random = crate::holders::sample::Random::new();
        const LENGTH: usize = 100_000;
        for (objects, alike) in [
            (1, 64),
            (10, 64),
            (500, 64),
            (10, 1024),
            (2_000, 1024),
            (LENGTH, 64),
        ] {
            let (mut sum, rounds) = (0.0, 50);
            for _ in 0..rounds {
                let mut paths = Paths::new();
                let count = 4 * alike as usize;
                let part = count as f64 / LENGTH as f64;
                let elements = random.some_of(count, LENGTH).into_iter();
                let lead_to = elements.map(|element| (element / (LENGTH / objects)) as u64);
                look_at_elements(&mut paths, 0, part, alike, &mut HashMap::new(), lead_to);
                sum += estimate(&paths) / rounds as f64;
            }
            let times = sum / objects as f64;
            assert!((0.5..2.0).contains(&times), "{objects} with {alike}: {sum}");
        }
    }

    #[test]
    fn one_object_that_half_of_them_share_makes_the_others_no_fewer() {
        let mut random = crate::holders::sample::Random::new();
        let mut paths = Paths::new();
        let elements = random.some_of(65_536, 100_000).into_iter();
        let lead_to = elements.map(|element| if element % 2 == 0 { 0 } else { element as u64 });
        look_at_elements(&mut paths, 0, 0.65536, 16_384, &mut HashMap::new(), lead_to);
        let estimate = estimate(&paths);
        assert!((40_000.0..60_000.0).contains(&estimate), "{estimate}");
    }

    #[test]
    fn what_two_arrays_hold_is_not_counted_twice() {
        let mut random = crate::holders::sample::Random::new();
        let mut sum = 0.0;
        for _ in 0..10 {
            let (mut paths, mut known) = (Paths::new(), HashMap::new());
            for field in 0..2 {
                let elements = random.some_of(4096, 20_000).into_iter();
                let lead_to = elements.map(|element| element as u64);
                look_at_elements(
                    &mut paths,
                    field,
                    4096.0 / 20_000.0,
                    1024,
                    &mut known,
                    lead_to,
                );
            }
            sum += estimate(&paths) / 10.0;
        }
        assert!((18_000.0..25_000.0).contains(&sum), "{sum}");
    }

    #[test]
    fn there_are_only_so_many() {
        let mut paths = Paths::new();
        let start = paths.start(Start::Other);
        for class in 0..2 * MOST_NODES as u32 {
            let node = paths.step(start, Via::NoField, class);
            paths.meet(node);
        }
        assert_eq!(paths.nodes.len(), MOST_NODES);
        let all: u64 = paths.nodes.iter().map(|place| place.met).sum();
        assert_eq!(all, 2 * MOST_NODES as u64);
    }
}
