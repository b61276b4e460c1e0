pub struct Task;
