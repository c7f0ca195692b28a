//! Random heaps: what is held and what is kept alive, against the same computed in the plainest way.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::file::File;
use crate::made::{self, Made, State};
use crate::threads;

const CLASSES: usize = 3;

/// An object of the program: its class, whether it is finalizable, what it refers to.
#[derive(Debug, Clone)]
struct Node {
    class: usize,
    finalizable: bool,
    refers: [usize; 4],
}

/// A heap: references to itself mean null.
#[derive(Debug, Clone)]
struct Heap {
    nodes: Vec<Node>,
    roots: Vec<usize>,
}

fn any_heap() -> impl Strategy<Value = Heap> {
    (2..40_usize).prop_flat_map(|count| {
        let node = (0..CLASSES, any::<bool>(), prop::array::uniform4(0..count));
        let node = node.prop_map(|(class, finalizable, refers)| Node {
            class,
            finalizable,
            refers,
        });
        let nodes = prop::collection::vec(node, count);
        (nodes, prop::collection::vec(0..count, 0..4))
            .prop_map(|(nodes, roots)| Heap { nodes, roots })
    })
}

impl Heap {
    /// What can be reached from the roots, and where `through_chain` from the Finalizers, without entering `closed`.
    fn reached(&self, through_chain: bool, closed: impl Fn(usize) -> bool) -> BTreeSet<usize> {
        let finalizable =
            (0..self.nodes.len()).filter(|&node| through_chain && self.nodes[node].finalizable);
        let mut todo: Vec<usize> = self.roots.iter().copied().chain(finalizable).collect();
        let mut reached = BTreeSet::new();
        while let Some(node) = todo.pop() {
            if !closed(node) && reached.insert(node) {
                todo.extend(self.nodes[node].refers);
            }
        }
        reached
    }

    /// The finalizable objects that nobody holds but others of them, be it through something else.
    fn held_by_each_other(&self) -> BTreeSet<usize> {
        let held = self.reached(false, |_| false);
        let is_loose = |node: usize| self.nodes[node].finalizable && !held.contains(&node);
        let mut all = BTreeSet::new();
        for holder in (0..self.nodes.len()).filter(|&node| is_loose(node)) {
            let mut todo = self.nodes[holder].refers.to_vec();
            let mut seen = BTreeSet::new();
            while let Some(node) = todo.pop() {
                if is_loose(node) {
                    all.extend((node != holder).then_some(node));
                } else if seen.insert(node) {
                    todo.extend(self.nodes[node].refers);
                }
            }
        }
        all
    }

    /// As the JVM writes it, or the hprof agent behind another dump.
    fn dump(&self, by_agent: bool) -> Vec<u8> {
        let address = |node: usize| 0x10_0000 + 0x40 * node as u64;
        let finalizer = |node: usize| 0x20_0000 + 0x40 * node as u64;
        let rows: Vec<(u64, u64, State)> = (0..self.nodes.len())
            .filter(|&node| self.nodes[node].finalizable)
            .map(|node| (finalizer(node), address(node), State::Registered))
            .collect();
        let mut made = Made::new(8);
        if by_agent {
            made = Made::by_agent(false);
            made::add_other(&mut made);
        }
        made::classes(&mut made, rows.first().map_or(0, |row| row.0), CLASSES);
        for (number, node) in self.nodes.iter().enumerate() {
            let refers = node
                .refers
                .map(|to| if to == number { 0 } else { address(to) });
            made::own(&mut made, address(number), node.class, refers);
        }
        self.roots
            .iter()
            .for_each(|&root| made.root(0xff, address(root)));
        made::finalizers(&mut made, &rows);
        threads::root(&mut made, made::OBJECT, 1, 0);
        made.finish()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn held_and_retained_are_the_truth(heap in any_heap(), by_agent: bool) {
        let answer = File::of(&heap.dump(by_agent)).answer().unwrap();
        prop_assert_eq!(&answer.damage, &[]);
        let is_finalizable = |node: usize| heap.nodes[node].finalizable;
        let finalizable = (0..heap.nodes.len()).filter(|&node| is_finalizable(node)).count() as u64;
        prop_assert_eq!(answer.total.registered, finalizable);
        prop_assert_eq!(answer.chain.unwrap().length, finalizable);
        let all = heap.reached(true, |_| false).len() as u64;
        let kept = all - heap.reached(true, is_finalizable).len() as u64;
        prop_assert_eq!(answer.retained.unwrap().objects, kept + finalizable);
        let by_each_other = answer.findings.iter().find(|found| found.rule == "each_other");
        let by_each_other = by_each_other.map_or(0, |found| found.count);
        prop_assert_eq!(by_each_other, heap.held_by_each_other().len() as u64);
        let held = heap.reached(false, |_| false);
        for facts in &answer.classes {
            let class: usize = facts.class.trim_start_matches("p.C").parse().unwrap();
            let own = |node: usize| is_finalizable(node) && heap.nodes[node].class == class;
            let kept = all - heap.reached(true, own).len() as u64;
            prop_assert_eq!(facts.retained.unwrap().objects, kept, "{}", &facts.class);
            let holders = answer.holders.iter().find(|holders| holders.class == facts.class).unwrap();
            let truth = held.iter().filter(|&&node| own(node)).count() as u64;
            prop_assert_eq!(holders.held, truth, "{}", &facts.class);
            prop_assert_eq!(holders.paths.iter().map(|path| path.count).sum::<u64>(), truth);
        }
    }
}
