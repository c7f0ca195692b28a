//! Objects that nothing holds but other finalizable objects: they go layer by layer, one collection each.

use crate::rules::{Case, Finding};
use crate::words::{by_number, finalizable};

pub(super) fn find(case: &Case<'_>) -> Option<Finding> {
    let loose = |number: u32| case.registry.referents.get(number) && !case.paths.met.get(number);
    let mut held = crate::columns::Bits::new(case.objects.classes.len());
    for number in 0..case.objects.classes.len() as u32 {
        let holds =
            case.objects.references.get(number) > 0 && !case.registry.finalizers.get(number);
        if !holds || case.paths.met.get(number) || !case.retained.by_all.get(number) {
            continue;
        }
        for (target, _) in case.graph.held_by(case.objects, number) {
            if target != number && loose(target) {
                held.set(target);
            }
        }
    }
    let count = held.count();
    let first = held.iter().next()?;
    let mut by_class = std::collections::HashMap::<u32, u64>::new();
    held.iter().for_each(|number| {
        *by_class
            .entry(case.objects.classes.get(number))
            .or_default() += 1
    });
    let classes = case.facts.iter();
    let of_them = classes.filter(|facts| by_class.contains_key(&facts.number));
    if !case.is_worth_a_word(count, of_them) {
        return None;
    }
    let most = by_class
        .into_iter()
        .max_by_key(|&(class, count)| (count, class));
    let most = most.map_or(case.objects.classes.get(first), |(class, _)| class);
    let class = case.finder.classes.get(most).name.clone();
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
