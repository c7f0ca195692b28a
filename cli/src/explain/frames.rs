//! The frames of a stack that tell a person something.

/// Methods of the JDK that only stand in between.
const BETWEEN: [&str; 4] = [
    "java.lang.",
    "jdk.internal.",
    "sun.misc.",
    "java.util.concurrent.locks.",
];

/// The innermost frames that are neither constructors nor inside the JDK, at most `most`, as
/// one text; where all are, the innermost.
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
        true => stack.iter().map(String::as_str).take(most).collect(),
        false => telling,
    };
    let shown: Vec<&str> = shown.into_iter().take(most).collect();
    shown.join(" < ")
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
    }
}
