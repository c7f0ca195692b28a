//! The types of fields and array elements, and how their values stand in a dump: big-endian, an object as its id.

/// How many bytes an object id has in this dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdSize {
    /// 32-bit JVMs.
    Four,
    /// All others.
    Eight,
}

impl IdSize {
    /// In bytes.
    pub fn bytes(self) -> usize {
        match self {
            IdSize::Four => 4,
            IdSize::Eight => 8,
        }
    }

    /// The id that `bytes` begins with; 0, which is null, where they are too few.
    #[inline]
    pub fn read(self, bytes: &[u8]) -> u64 {
        match self {
            IdSize::Four => u64::from(read_u32(bytes)),
            IdSize::Eight => read_u64(bytes),
        }
    }
}

/// The big-endian number that `bytes` begins with; 0 where they are too few.
#[inline]
pub fn read_u64(bytes: &[u8]) -> u64 {
    bytes
        .first_chunk()
        .map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// The same with four bytes.
#[inline]
pub fn read_u32(bytes: &[u8]) -> u32 {
    bytes
        .first_chunk()
        .map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

/// The same with two bytes.
#[inline]
pub fn read_u16(bytes: &[u8]) -> u16 {
    bytes
        .first_chunk()
        .map_or(0, |bytes| u16::from_be_bytes(*bytes))
}

/// The type of a field or of the elements of an array, by its code in the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are Java's types")]
pub enum Type {
    Object,
    Boolean,
    Char,
    Float,
    Double,
    Byte,
    Short,
    Int,
    Long,
}

/// The types of array elements other than objects, in the order of [`Type::primitive_index`].
pub const PRIMITIVES: [Type; 8] = [
    Type::Boolean,
    Type::Char,
    Type::Float,
    Type::Double,
    Type::Byte,
    Type::Short,
    Type::Int,
    Type::Long,
];

impl Type {
    /// By its code: 2 for objects, 4 to 11 for the others, as in the JVM's `newarray`.
    pub fn of_code(code: u8) -> Option<Type> {
        match code {
            2 => Some(Type::Object),
            4..=11 => PRIMITIVES.get(usize::from(code - 4)).copied(),
            _ => None,
        }
    }

    /// What a value of it takes in the dump.
    pub fn bytes(self, ids: IdSize) -> usize {
        match self {
            Type::Object => ids.bytes(),
            Type::Boolean | Type::Byte => 1,
            Type::Char | Type::Short => 2,
            Type::Float | Type::Int => 4,
            Type::Double | Type::Long => 8,
        }
    }

    /// Where it stands in [`PRIMITIVES`]; `None` for objects.
    pub fn primitive_index(self) -> Option<usize> {
        PRIMITIVES.iter().position(|&primitive| primitive == self)
    }

    /// What Java calls it.
    pub fn name(self) -> &'static str {
        match self {
            Type::Object => "java.lang.Object",
            Type::Boolean => "boolean",
            Type::Char => "char",
            Type::Float => "float",
            Type::Double => "double",
            Type::Byte => "byte",
            Type::Short => "short",
            Type::Int => "int",
            Type::Long => "long",
        }
    }

    /// The value that `bytes` begins with, numbers extended to 64 bits with their sign, floats as their bits.
    pub fn read(self, ids: IdSize, bytes: &[u8]) -> u64 {
        match self {
            Type::Object => ids.read(bytes),
            Type::Boolean => bytes.first().copied().map_or(0, u64::from),
            Type::Byte => bytes
                .first()
                .map_or(0, |&byte| i64::from(byte.cast_signed()).cast_unsigned()),
            Type::Char => u64::from(read_u16(bytes)),
            Type::Short => i64::from(read_u16(bytes).cast_signed()).cast_unsigned(),
            Type::Int => i64::from(read_u32(bytes).cast_signed()).cast_unsigned(),
            Type::Float => u64::from(read_u32(bytes)),
            Type::Double | Type::Long => read_u64(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_format() {
        assert_eq!(Type::of_code(2), Some(Type::Object));
        assert_eq!(Type::of_code(4), Some(Type::Boolean));
        assert_eq!(Type::of_code(8), Some(Type::Byte));
        assert_eq!(Type::of_code(11), Some(Type::Long));
        assert_eq!([0, 1, 3, 12, 255].map(Type::of_code), [None; 5]);
    }

    #[test]
    fn numbers_keep_their_sign_and_short_input_is_zero() {
        assert_eq!(
            Type::Int
                .read(IdSize::Eight, &[255, 255, 255, 254])
                .cast_signed(),
            -2
        );
        assert_eq!(Type::Byte.read(IdSize::Eight, &[255]).cast_signed(), -1);
        assert_eq!(Type::Object.read(IdSize::Four, &[0, 0, 1, 0, 9]), 256);
        assert_eq!(Type::Long.read(IdSize::Eight, &[1, 2, 3]), 0);
    }
}
