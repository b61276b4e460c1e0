//! The names of the tables of results and of their columns, as expectations write them.

/// Tables by their files' names without `.csv`, each with its columns. Without any, all names are let through.
#[derive(Clone, Debug, Default)]
pub struct ResultTables(Vec<(&'static str, Vec<&'static str>)>);

impl ResultTables {
    pub fn new(tables: impl IntoIterator<Item = (&'static str, Vec<&'static str>)>) -> Self {
        ResultTables(tables.into_iter().collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(name, _)| *name)
    }

    /// The columns of a table; `None` if there is no such table.
    pub fn columns(&self, table: &str) -> Option<&[&'static str]> {
        let (_, columns) = self.0.iter().find(|(name, _)| *name == table)?;
        Some(columns)
    }
}
