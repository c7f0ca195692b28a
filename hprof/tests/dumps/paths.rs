//! Paths from roots to finalizable objects, as they are told.

use finwatch_hprof::{Answer, HoldingPath, HoldingRoot};

use crate::file::File;
use crate::made::{self, Made, OBJECT, State};

const REGISTRY: u64 = 0x8000;
const ARRAY_CLASS: u64 = 0x8200;
const ARRAY: u64 = 0x80_0000;
const HEAD: u64 = 0x40_0000;
const SOFT: u64 = 0x8300;

fn links(path: &HoldingPath) -> Vec<String> {
    let field = |field: &String| format!(".{field}");
    let links = path.chain.iter();
    links
        .map(|link| link.class.clone() + &link.field.as_ref().map_or_else(String::new, field))
        .collect()
}

/// The root of the path to an object that the last of so many static fields refers to.
fn in_the_last_of(count: usize) -> HoldingRoot {
    let rows = [(0x20_0000, 0x10_0000, State::Registered)];
    let mut made = Made::new(8);
    made::classes(&mut made, rows[0].0, 1);
    made.load(REGISTRY, "p/Registry");
    let names: Vec<String> = (0..count).map(|place| format!("field{place}")).collect();
    let mut fields: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 0)).collect();
    fields[count - 1].1 = rows[0].1;
    made.class(REGISTRY, OBJECT, 0, &fields, &[]);
    made::own(&mut made, rows[0].1, 0, [0; 4]);
    made.root(0x05, REGISTRY);
    made::finalizers(&mut made, &rows);
    let answer = File::of(&made.finish()).answer().unwrap();
    answer.holders[0].paths[0].root.clone()
}

/// There is a byte for the place of a field.
#[test]
fn a_static_field_behind_many_is_not_told_as_another() {
    for count in [1, 251, 252, 253, 254, 255, 256, 257, 1000] {
        let field = (count <= 252).then(|| format!("field{}", count - 1));
        let class = "p.Registry".into();
        assert_eq!(
            in_the_last_of(count),
            HoldingRoot::StaticField { class, field }
        );
    }
}

/// 150 objects of `p.C2` in an array, to which objects of `p.C0` and `p.C1` lead in turn, from a static field; the last one
/// by a soft reference, or not.
fn behind(levels: u64, softly: bool) -> Answer {
    let rows = made::rows(150, State::Registered);
    let mut made = Made::new(8);
    made::classes(&mut made, rows[0].0, 3);
    made.load(REGISTRY, "p/Registry");
    made.load(ARRAY_CLASS, "[Lp/C2;");
    made.load(SOFT, "java/lang/ref/SoftReference");
    made.class(REGISTRY, OBJECT, 0, &[("head", HEAD)], &[]);
    made.class(ARRAY_CLASS, OBJECT, 0, &[], &[]);
    made.class(SOFT, made::REFERENCE, 0, &[], &[]);
    let level = |level: u64| HEAD + 0x40 * level;
    for place in 0..levels {
        let next = match (place + 1 < levels, softly) {
            (true, _) => [level(place + 1), 0, 0, 0],
            (false, false) => [0, ARRAY, 0, 0],
            (false, true) => [0, ARRAY + 0x1_0000, 0, 0],
        };
        made::own(&mut made, level(place), place as usize % 2, next);
    }
    // Each has a queue, be it that of those that want none.
    let referent = [ARRAY, made::QUEUE, 0, 0].map(made::Value::Object);
    made.instance(ARRAY + 0x1_0000, SOFT, &referent);
    let all: Vec<u64> = rows.iter().map(|row| row.1).collect();
    made.objects(ARRAY, ARRAY_CLASS, &all);
    for row in &rows {
        made::own(&mut made, row.1, 2, [0; 4]);
    }
    made.root(0x05, REGISTRY);
    made::finalizers(&mut made, &rows);
    File::of(&made.finish()).answer().unwrap()
}

#[test]
fn of_a_path_too_long_to_tell_both_ends_are_told() {
    for levels in [1, 2, 20, 62, 63, 64, 65, 66, 67, 68, 130, 200, 1000] {
        for softly in [false, true] {
            let answer = behind(levels, softly);
            let holders = &answer.holders[0];
            let paths = [&holders.paths, &holders.soft_paths];
            assert_eq!(
                (
                    paths[usize::from(softly)].len(),
                    paths[usize::from(!softly)].len()
                ),
                (1, 0)
            );
            let path = &paths[usize::from(softly)][0];
            assert_eq!(path.count, 150, "{levels}");
            let root = HoldingRoot::StaticField {
                class: "p.Registry".into(),
                field: Some("head".into()),
            };
            assert_eq!(path.root, root, "{levels}");
            let links = links(path);
            let gaps: Vec<usize> = (0..links.len())
                .filter(|&link| links[link] == "…")
                .collect();
            let is_long = levels + u64::from(softly) > 62;
            assert_eq!(
                gaps,
                [0].repeat(usize::from(is_long)),
                "{levels}: {links:?}"
            );
            assert_eq!(links.last().unwrap(), "p.C2[]");
            assert!(links.len() <= 66, "{levels}");
        }
    }
}
