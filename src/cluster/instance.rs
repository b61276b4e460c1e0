pub struct Instance;
