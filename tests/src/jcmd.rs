//! The JVM's own answers, through its own `jcmd`.

use std::collections::BTreeMap;

use crate::jvm::Jvm;

/// `jcmd` for one JVM.
pub struct Jcmd<'a> {
    jvm: &'a Jvm,
}

impl Jvm {
    /// The JVM's own answers, through the `jcmd` of its JDK.
    pub fn jcmd(&self) -> Jcmd<'_> {
        Jcmd { jvm: self }
    }
}

impl Jcmd<'_> {
    /// Runs a diagnostic command and gives its output.
    pub fn run(&self, words: &[&str]) -> String {
        let pid = self.jvm.pid().to_string();
        let arguments: Vec<&str> = [pid.as_str()]
            .into_iter()
            .chain(words.iter().copied())
            .collect();
        self.jvm.case().jdk.run_tool("jcmd", &arguments)
    }

    /// `GC.class_histogram`: instances by class name, after a full collection.
    pub fn histogram(&self) -> BTreeMap<String, u64> {
        let sizes = self.histogram_with_bytes();
        sizes
            .into_iter()
            .map(|(class, (count, _))| (class, count))
            .collect()
    }

    /// The same with the size of the instances in bytes: `(count, bytes)`.
    pub fn histogram_with_bytes(&self) -> BTreeMap<String, (u64, u64)> {
        let text = self.run(&["GC.class_histogram"]);
        // "   3:           120          12345  java.lang.String (java.base@17)"
        let instances = text.lines().filter_map(|line| {
            let mut words = line.split_whitespace();
            words.next().filter(|number| number.ends_with(':'))?;
            let count = words.next()?.parse().ok()?;
            let bytes = words.next()?.parse().ok()?;
            Some((words.next()?.to_string(), (count, bytes)))
        });
        let histogram: BTreeMap<String, (u64, u64)> = instances.collect();
        assert!(
            histogram.contains_key("java.lang.String"),
            "no histogram:\n{text}"
        );
        histogram
    }

    /// How many `java.lang.ref.Finalizer` there are: the length of the unfinalized chain
    /// and those whose `finalize()` runs now.
    pub fn finalizers(&self) -> u64 {
        self.histogram()
            .get("java.lang.ref.Finalizer")
            .copied()
            .unwrap_or(0)
    }

    /// `GC.finalizer_info` (JDK 9 and later): pending objects by class name.
    pub fn finalizer_info(&self) -> BTreeMap<String, u64> {
        let text = self.run(&["GC.finalizer_info"]);
        let known = text.contains("No instances waiting for finalization")
            || text.contains("Unreachable instances");
        assert!(known, "no finalizer info:\n{text}");
        // "         7  subject.Plain", below two lines of heading.
        let instances = text.lines().filter_map(|line| {
            let (count, class) = line.trim().split_once(char::is_whitespace)?;
            Some((class.trim().to_string(), count.parse().ok()?))
        });
        instances.collect()
    }
}
