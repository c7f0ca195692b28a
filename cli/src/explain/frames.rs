//! The frames of a stack that tell a person something.

/// Methods of the JDK that only stand in between.
const BETWEEN: [&str; 4] = [
    "java.lang.",
    "jdk.internal.",
    "sun.misc.",
    "java.util.concurrent.locks.",
];

/// Of these, the methods that wait.
const WAITING: [&str; 5] = [
    "java.lang.Object.wait",
    "java.lang.Thread.",
    "jdk.internal.misc.Unsafe.",
    "sun.misc.Unsafe.",
    "java.util.concurrent.locks.",
];

/// The innermost frames that are neither constructors nor inside the JDK, at most `most`, as
/// one text; where all are, the innermost that do not only wait.
pub fn words(stack: &[String], most: usize) -> String {
    let is_between = |frame: &String| {
        frame.contains(".<init>(") || BETWEEN.iter().any(|begin| frame.starts_with(begin))
    };
    let telling: Vec<&str> = stack
        .iter()
        .filter(|frame| !is_between(frame))
        .map(String::as_str)
        .collect();
    let shown = match telling.is_empty() {
        true => inside_jdk(stack),
        false => telling,
    };
    let shown: Vec<&str> = shown.into_iter().take(most).collect();
    shown.join(" < ")
}

fn inside_jdk(stack: &[String]) -> Vec<&str> {
    let waits = |frame: &&str| WAITING.iter().any(|begin| frame.starts_with(begin));
    let frames = stack.iter().map(String::as_str);
    let telling: Vec<&str> = frames.clone().skip_while(waits).collect();
    match telling.is_empty() {
        true => frames.collect(),
        false => telling,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constructors_and_the_jdk_are_left_out_where_something_is_left() {
        let stack = |frames: &[&str]| frames.iter().map(|f| (*f).to_owned()).collect::<Vec<_>>();
        let made = stack(&[
            "java.lang.Object.<init>(Object.java:37)",
            "a.Statement.<init>(Statement.java:5)",
            "a.Dao.find(Dao.java:12)",
            "java.lang.Thread.run(Thread.java:1583)",
            "a.Web.get(Web.java:9)",
            "a.Main.main(Main.java:1)",
        ]);
        assert_eq!(
            words(&made, 2),
            "a.Dao.find(Dao.java:12) < a.Web.get(Web.java:9)"
        );
        let inside = stack(&["java.lang.Thread.sleep(Native Method)"]);
        assert_eq!(words(&inside, 2), "java.lang.Thread.sleep(Native Method)");
        assert_eq!(words(&[], 2), "");
        let enqueues = stack(&[
            "jdk.internal.misc.Unsafe.park(Native Method)",
            "java.util.concurrent.locks.LockSupport.park(LockSupport.java:221)",
            "java.lang.ref.ReferenceQueue.enqueue(ReferenceQueue.java:129)",
        ]);
        let enqueue = "java.lang.ref.ReferenceQueue.enqueue(ReferenceQueue.java:129)";
        assert_eq!(words(&enqueues, 2), enqueue);
    }
}
