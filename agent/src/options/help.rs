//! The table of the options as people read it: on a terminal, and in the README.

use super::{ENVIRONMENT_VARIABLE, table::KEYS};

/// What the option `help` prints: every key with its form, default and meaning, at most
/// 80 columns, with a final line feed.
pub fn help() -> String {
    let mut text = format!(
        "\
finwatch {}: what is registered for finalization, as JSON lines

  -agentpath:/path/to/libfinwatch.so=key=value,key=value

No option is required. The same keys may stand in a file, see config, and in the
environment variable {ENVIRONMENT_VARIABLE}; the flag wins over the file, the
file over the environment.

",
        env!("CARGO_PKG_VERSION")
    );
    for key in &KEYS {
        text += &format!("  {}={}\n", key.name, key.form);
        text += &format!("      {}\n", key.meaning);
        if let Some(default) = key.default {
            text += &format!("      default: {default}\n");
        }
    }
    text += r"
PATH      %p is the process id, %h the host name, %t the start time in UTC
          (20261124T225959Z), %% a percent sign; a relative path starts in the
          directory where the JVM was started
DURATION  numbers with the units ms, s, m, h: 500ms, 5s, 1m30s
SIZE      a number with the unit B, KiB, MiB, GiB or TiB, or k, m, g, t as in
          -Xmx: 64MiB, 64m

In a value \, is a comma and \\ a backslash; quote the flag for the shell then.
Blanks around keys and values and empty entries do not count.
";
    text
}

/// The rows of the README's table, in Markdown, with a final line feed.
pub fn readme_table() -> String {
    let mut text =
        String::from("| key | values | default | meaning |\n| --- | --- | --- | --- |\n");
    for key in &KEYS {
        let form = key.form.split(" | ").map(|form| format!("`{form}`"));
        let form = form.collect::<Vec<_>>().join(", ");
        let default = key
            .default
            .map_or("none".to_owned(), |default| format!("`{default}`"));
        text += &format!(
            "| `{}` | {form} | {default} | {} |\n",
            key.name, key.meaning
        );
    }
    text
}
