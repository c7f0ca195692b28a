//! A way from a root of the collector to objects, in words: the only ones there are for it, whether an agent or a
//! heap dump tells of it. As it came: not escaped.

use finwatch_record::{Holders, HoldingPath, Link, Root, RootKind};

/// The instances that nobody holds, not even softly; `None` where that is not known.
pub fn by_nobody(holders: &Holders) -> Option<u64> {
    let softly = holders.softly_held.unwrap_or(0);
    Some(holders.unheld?.saturating_sub(softly))
}

/// From the root to what refers to the objects.
pub fn path(path: &HoldingPath) -> String {
    let links = path.chain.iter().map(link);
    std::iter::once(root(&path.root))
        .chain(links)
        .collect::<Vec<_>>()
        .join(" > ")
}

/// `Class.field`, or the class alone.
pub fn link(link: &Link) -> String {
    match &link.field {
        Some(field) => format!("{}.{field}", link.class),
        None => link.class.clone(),
    }
}

/// Where the path begins.
pub fn root(root: &Root) -> String {
    let thread = root.thread.as_deref().unwrap_or("?");
    match root.kind {
        RootKind::Thread => format!("thread '{thread}'"),
        RootKind::Stack => match &root.method {
            Some(method) => format!("thread '{thread}', {method}"),
            None => format!("thread '{thread}', its stack"),
        },
        RootKind::JniLocal => format!("thread '{thread}', native code"),
        RootKind::StaticField => {
            let class = root.class.as_deref().unwrap_or("?");
            match &root.field {
                Some(field) => format!("static {class}.{field}"),
                None => format!("static {class}"),
            }
        }
        RootKind::JniGlobal => "native code (JNI global reference)".to_owned(),
        RootKind::Monitor => "a monitor in use".to_owned(),
        RootKind::Class => format!("class {}", root.class.as_deref().unwrap_or("?")),
        RootKind::Other => "the JVM itself".to_owned(),
    }
}
