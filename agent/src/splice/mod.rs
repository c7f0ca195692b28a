//! Rewrites the class files of the JDK methods that finalization passes through.
