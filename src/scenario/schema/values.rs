//! The small parts that the language is made of: quantities, ordered maps, and values with a short and a long form.
//!
//! Each quantity is a type of its own whose JSON form is the text with its unit and whose JSON Schema names its
//! [`Kind`], so that the same definition reads, prints, describes and checks it.

use crate::scenario::quantity::{self, Kind};
use crate::units::{CpuUnits, MiB, Ratio, Span};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// Declares a type that is written as a text with a unit.
macro_rules! quantities {
    ($($(#[$doc:meta])* $name:ident($inner:ty) $kind:ident $read:path, $print:path;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $name(pub $inner);

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&$print(self.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = scalar_text(Value::deserialize(deserializer)?).map_err(D::Error::custom)?;
                $read(&text).map($name).map_err(|_| D::Error::custom(Kind::$kind.expectation()))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                quantity_schema(Kind::$kind)
            }
        }
    )*};
}

quantities! {
    /// A length of time.
    Duration(Span) Duration quantity::duration, quantity::print_duration;
    Cpu(CpuUnits) Cpu quantity::cpu, quantity::print_cpu;
    Memory(MiB) Memory quantity::memory, quantity::print_memory;
    /// Events a second.
    Rate(f64) Rate quantity::rate, quantity::print_rate;
    Share(Ratio) Ratio quantity::ratio, quantity::print_ratio;
    Factor(f64) Factor quantity::factor, quantity::print_factor;
    /// MiB a second.
    Throughput(f64) Throughput quantity::throughput, quantity::print_throughput;
    /// Bytes of a message.
    Size(u64) Size quantity::size, quantity::print_size;
    /// US dollars.
    Money(f64) Money quantity::money, quantity::print_money;
    /// A share of the period between health checks.
    Intervals(f64) Intervals quantity::intervals, quantity::print_intervals;
    /// A whole number from 1 on, or `off`.
    OrOff(Option<u32>) OrOff quantity::or_off, quantity::print_or_off;
    /// Seconds since 1970.
    Moment(i64) Moment quantity::moment, quantity::print_moment;
}

impl Duration {
    pub const ZERO: Duration = Duration(Span::ZERO);
    pub const fn secs(seconds: u64) -> Self {
        Duration(Span::from_secs(seconds))
    }
}

/// Inclusive ranges of status codes, as ALB's matcher writes them.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusCodes(pub Vec<(u16, u16)>);

/// A bound of an alarm or a scaling policy, in the unit of its metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level(pub quantity::Level);

impl Serialize for StatusCodes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let part = |&(low, high): &(u16, u16)| {
            if low == high {
                low.to_string()
            } else {
                format!("{low}-{high}")
            }
        };
        serializer.serialize_str(&self.0.iter().map(part).collect::<Vec<_>>().join(","))
    }
}

impl<'de> Deserialize<'de> for StatusCodes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = scalar_text(Value::deserialize(deserializer)?).map_err(D::Error::custom)?;
        let codes = quantity::status_codes(&text);
        codes
            .map(StatusCodes)
            .map_err(|_| D::Error::custom(Kind::StatusCodes.expectation()))
    }
}

impl JsonSchema for StatusCodes {
    fn schema_name() -> Cow<'static, str> {
        "StatusCodes".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        quantity_schema(Kind::StatusCodes)
    }
}

impl Serialize for Level {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            quantity::Level::Number(number) => serializer.serialize_f64(number),
            quantity::Level::Percent(percent) => serializer.serialize_str(&format!("{percent}%")),
            quantity::Level::Duration(span) => serializer.serialize_str(&quantity::print_duration(span)),
        }
    }
}

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = scalar_text(Value::deserialize(deserializer)?).map_err(D::Error::custom)?;
        quantity::level(&text)
            .map(Level)
            .map_err(|_| D::Error::custom(Kind::Level.expectation()))
    }
}

impl JsonSchema for Level {
    fn schema_name() -> Cow<'static, str> {
        "Level".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        quantity_schema(Kind::Level)
    }
}

fn quantity_schema(kind: Kind) -> Schema {
    let types: &[&str] = match kind {
        Kind::Cpu | Kind::StatusCodes => &["integer", "string"],
        Kind::Level => &["number", "string"],
        _ => &["string"],
    };
    let types = if let [one] = types {
        Value::from(*one)
    } else {
        Value::from(types.to_vec())
    };
    json_schema!({
        "type": types,
        "format": kind.name(),
        "pattern": kind.pattern(),
        "description": kind.expectation(),
    })
}

fn scalar_text(value: Value) -> Result<String, &'static str> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err("a text with a unit"),
    }
}

/// A map that keeps the order in which it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Named<T>(pub Vec<(String, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Named(Vec::new())
    }
}

impl<T> Named<T> {
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
    pub fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        self.0.iter_mut().find(|(key, _)| key == name).map(|(_, value)| value)
    }
    pub fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|(key, _)| key == name)
    }
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_str())
    }
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Named<T>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a map")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Named(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("MapOf{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = generator.subschema_for::<T>();
        json_schema!({ "type": "object", "additionalProperties": item })
    }
}

/// A value that may be written short (a scalar or a list) or long (a map). Which it is shows in its kind alone, so that
/// problems inside keep their place.
#[derive(Clone, Debug, PartialEq)]
pub enum Form<S, L> {
    Short(S),
    Long(L),
}

impl<S: Serialize, L: Serialize> Serialize for Form<S, L> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        match self {
            Form::Short(short) => short.serialize(serializer),
            Form::Long(long) => long.serialize(serializer),
        }
    }
}

impl<'de, S: for<'a> Deserialize<'a>, L: for<'a> Deserialize<'a>> Deserialize<'de> for Form<S, L> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if value.is_object() {
            serde_json::from_value(value).map(Form::Long).map_err(D::Error::custom)
        } else {
            serde_json::from_value(value).map(Form::Short).map_err(D::Error::custom)
        }
    }
}

impl<S: JsonSchema, L: JsonSchema> JsonSchema for Form<S, L> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("{}Or{}", S::schema_name(), L::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (short, long) = (generator.subschema_for::<S>(), generator.subschema_for::<L>());
        json_schema!({ "anyOf": [short, long] })
    }
}
