//! What class loaders are called, as everywhere in finwatch: `bootstrap`, `platform`, `app`, or the loader's class, its
//! name where it has one, and its address in the dump.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::error::Error;
use crate::fetch::{Fetched, Fetcher};
use crate::layout::Finder;
use crate::strings;

/// Names by the loader's address.
#[derive(Debug, Default)]
pub struct Loaders {
    names: HashMap<u64, String, RandomState>,
}

impl Loaders {
    /// Of all loaders that defined one of these classes.
    pub fn read(
        fetcher: Fetcher<'_>,
        classes: impl IntoIterator<Item = u32>,
    ) -> Result<Loaders, Error> {
        let survey = fetcher.survey;
        let finder = Finder {
            dump: fetcher.dump,
            classes: &survey.classes,
            names: &survey.names,
        };
        let loaders = classes
            .into_iter()
            .map(|class| survey.classes.get(class).loader());
        let found = fetcher.fetch(loaders)?;
        let mut name_of = HashMap::<u64, u64, RandomState>::default();
        let mut loaders = Loaders::default();
        for (&id, object) in &found {
            let Fetched::Instance(class, body) = object else {
                continue;
            };
            let class_name = &survey.classes.get(*class).name;
            loaders.names.insert(id, shown(class_name, id));
            if let Some(field) = finder.field(*class, "java.lang.ClassLoader", "name") {
                name_of.insert(id, field.read(finder.dump.ids, body));
            }
        }
        let ids: Vec<u64> = name_of.values().copied().collect();
        let texts = strings::read(fetcher, &ids)?;
        for (loader, name) in &mut loaders.names {
            let text = name_of.get(loader).and_then(|id| texts.get(id));
            if let Some(text) = text.filter(|_| !BUILT_IN.contains(&name.as_str())) {
                *name = named(name, text);
            }
        }
        Ok(loaders)
    }

    /// A loader's name.
    pub fn name(&self, loader: u64) -> String {
        match loader {
            0 => BUILT_IN[0].to_string(),
            _ => self
                .names
                .get(&loader)
                .cloned()
                .unwrap_or_else(|| format!("?@{loader:x}")),
        }
    }

    /// Whether it is one of the three that every JVM has and never unloads.
    pub fn is_built_in(&self, loader: u64) -> bool {
        loader == 0
            || self
                .names
                .get(&loader)
                .is_some_and(|name| BUILT_IN.contains(&name.as_str()))
    }
}

const BUILT_IN: [&str; 3] = ["bootstrap", "platform", "app"];

fn shown(class: &str, id: u64) -> String {
    match class {
        "jdk.internal.loader.ClassLoaders$AppClassLoader" | "sun.misc.Launcher$AppClassLoader" => {
            "app".into()
        }
        "jdk.internal.loader.ClassLoaders$PlatformClassLoader"
        | "sun.misc.Launcher$ExtClassLoader" => "platform".into(),
        _ => format!("{class}@{id:x}"),
    }
}

/// `Loader@1f2e` with its own name: `Loader 'plugins'@1f2e`.
fn named(shown: &str, name: &str) -> String {
    match shown.rsplit_once('@') {
        Some((class, address)) => format!("{class} '{name}'@{address}"),
        None => shown.to_string(),
    }
}
