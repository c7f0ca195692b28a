//! Objects that nothing holds but other finalizable objects: they go layer by layer, one collection each. One that is
//! held by itself alone, through a helper that refers back to it, is none: up to JDK 8 every `java.io.FileInputStream`
//! is, through its `FileDescriptor`.

use crate::addresses::Number;
use crate::columns::Bits;
use crate::rules::by_class::ByClass;
use crate::rules::{Case, Finding};
use crate::words::{by_number, finalizable};

pub(super) fn find(case: &Case<'_>) -> Option<Finding> {
    let mut held = ByClass::default();
    for number in Search::new(case).run().iter() {
        held.add(case.objects.classes.get(number), 1);
    }
    if !case.is_worth_a_word(&held) {
        return None;
    }
    let (count, class) = (held.sum(), held.most(case)?);
    Some(Finding {
        rule: "each_other",
        class: Some(class.clone()),
        count,
        evidence: vec![("objects", count)],
        fields_read: vec!["java.lang.ref.Reference.referent".into()],
        text: format!(
            "{} {} held by nothing but finalizable objects that wait for their own finalizer",
            finalizable(count, &class),
            by_number(count, "is", "are")
        ),
        advice: "Give only the outermost object a finalizer, or better none: with links among them each collection frees one layer at most.",
    })
}

/// Goes from one finalizable object that nobody holds after the other, until it meets such ones, and opens nothing more
/// than twice: what a second one comes to, it and the first hold together, and one of the two is another than whatever
/// follows.
struct Search<'a> {
    case: &'a Case<'a>,
    /// Objects that the present one or one before led to.
    reached: Bits,
    /// Those that one before led to.
    reached_before: Bits,
    /// Those that several led to.
    shared: Bits,
    /// Finalizable objects that others of them lead to.
    held: Bits,
}

impl<'a> Search<'a> {
    fn new(case: &'a Case<'a>) -> Search<'a> {
        let none = || Bits::new(case.objects.classes.len());
        Search {
            case,
            reached: none(),
            reached_before: none(),
            shared: none(),
            held: none(),
        }
    }

    fn run(mut self) -> Bits {
        let case = self.case;
        let holders = case.registry.referents.iter();
        for holder in holders.filter(|&holder| case.retained.by_all.get(holder)) {
            if is_loose(case, holder) {
                self.go_from(holder);
            }
        }
        self.held
    }

    fn go_from(&mut self, holder: Number) {
        let mut opened = vec![holder];
        let mut next = 0;
        while let Some(&object) = opened.get(next) {
            next += 1;
            for target in held_by(self.case, object) {
                if is_loose(self.case, target) {
                    if target != holder {
                        self.held.set(target);
                    }
                } else if self.reached_before.get(target) {
                    self.share(target);
                } else if self.reached.set(target) {
                    opened.push(target);
                }
            }
        }
        for object in opened {
            self.reached_before.set(object);
        }
    }

    fn share(&mut self, first: Number) {
        let mut todo: Vec<Number> = self
            .shared
            .set(first)
            .then_some(first)
            .into_iter()
            .collect();
        while let Some(object) = todo.pop() {
            for target in held_by(self.case, object) {
                if is_loose(self.case, target) {
                    self.held.set(target);
                } else if self.shared.set(target) {
                    todo.push(target);
                }
            }
        }
    }
}

/// A finalizable object that nobody holds.
fn is_loose(case: &Case<'_>, number: Number) -> bool {
    case.registry.referents.get(number) && !case.paths.met.get(number)
}

/// What an object refers to and nobody holds.
fn held_by<'a>(case: &'a Case<'_>, object: Number) -> impl Iterator<Item = Number> + 'a {
    let targets = case.graph.held_by(case.objects, object);
    let targets = targets.map(|(target, _)| target);
    targets.filter(|&target| !case.paths.met.get(target) && !case.registry.finalizers.get(target))
}
