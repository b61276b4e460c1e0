use super::manifest::{About, Difference, Manifest, Unfit};
use super::*;
use crate::experiment::sweep::Cut;
use crate::report::sample;

fn layout() -> Layout {
    let path = |path: &str, dimension| PathColumn {
        path: path.to_owned(),
        dimension,
    };
    let points = [["2", "100ms", "fast"], ["4", "0.25s", "a, \"b\""], ["8", "1s", "fast"]];
    Layout {
        paths: vec![
            path("services.web.desired_count", Some(Dimension::Number)),
            path("services.web.operations.get[0].cpu", Some(Dimension::Duration)),
            path("name", None),
        ],
        points: points.map(|point| point.map(str::to_owned).to_vec()).to_vec(),
    }
}

/// Runs of the shop at three points, the last of which has lost its latencies.
fn sample_runs() -> Vec<Run> {
    let shop = sample::shop();
    let records = sample::runs(&shop, 4);
    let mut all = Vec::new();
    for point in 0..3 {
        for (replication, record) in (0..).zip(&records) {
            let mut figures = runs::of_run(&shop, record);
            if point == 2 {
                let at = runs::figures().iter().position(|column| column.name == "p99_ms");
                figures[at.expect("a column")] = Value::Missing;
                figures[0] = Value::text("too many, at once");
            }
            all.push(Run {
                point,
                replication,
                figures,
            });
        }
    }
    all
}

struct Files {
    runs: Vec<u8>,
    #[cfg(feature = "parquet")]
    parquet: Vec<u8>,
    points: Vec<u8>,
}

fn written(layout: &Layout, runs: &[Run]) -> Files {
    let mut csv = Vec::new();
    #[cfg(feature = "parquet")]
    let mut parquet = Vec::new();
    let sinks = Sinks {
        csv: &mut csv,
        #[cfg(feature = "parquet")]
        parquet: &mut parquet,
    };
    let mut writer = Writer::new(layout, sinks).expect("memory takes it");
    runs.iter()
        .for_each(|run| writer.push(run.clone()).expect("memory takes it"));
    let points = writer.finish().expect("memory takes it").points_csv;
    Files {
        runs: csv,
        #[cfg(feature = "parquet")]
        parquet,
        points,
    }
}

/// Rows of cells, the header first.
fn cells(csv: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv);
    let rows = reader.records().map(|row| row.expect("it was written"));
    rows.map(|row| row.iter().map(str::to_owned).collect()).collect()
}

#[test]
fn swept_values_stand_as_written_and_as_numbers() {
    let layout = layout();
    let files = written(&layout, &sample_runs());
    let rows = cells(&files.runs);
    assert_eq!(
        rows[0][..6],
        [
            "point",
            "replication",
            "services.web.desired_count",
            "services.web.operations.get[0].cpu",
            "services.web.operations.get[0].cpu_s",
            "name"
        ]
    );
    assert_eq!(rows[5][..7], ["1", "0", "4", "0.25s", "0.25", "a, \"b\"", ""]);
    assert_eq!(rows[9][..7], ["2", "0", "8", "1s", "1", "fast", "too many, at once"]);
    assert_eq!(rows.len(), 13);
    let points = cells(&files.points);
    assert_eq!(points[2][..6], ["1", "4", "0.25s", "0.25", "a, \"b\"", "4"]);
    assert_eq!(points.len(), 4);
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_holds_the_rows_of_the_csv_with_types() {
    use ::parquet::basic::Type as Physical;
    use ::parquet::file::reader::{FileReader, SerializedFileReader};
    use ::parquet::record::Field;

    let layout = layout();
    let files = written(&layout, &sample_runs());
    let rows = cells(&files.runs);
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), &files.parquet).expect("it is ours");
    let reader = SerializedFileReader::try_from(file.path()).expect("it is Parquet");
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let names: Vec<&str> = schema.columns().iter().map(|column| column.name()).collect();
    assert_eq!(names, rows[0]);
    let physical = |name: &str| {
        let at = names.iter().position(|known| *known == name);
        schema.column(at.expect("a column")).physical_type()
    };
    assert_eq!(physical("services.web.desired_count"), Physical::INT64);
    assert_eq!(physical("services.web.operations.get[0].cpu_s"), Physical::DOUBLE);
    assert_eq!(physical("name"), Physical::BYTE_ARRAY);
    assert_eq!(
        (physical("offered"), physical("p99_ms")),
        (Physical::INT64, Physical::DOUBLE)
    );
    let mut count = 0;
    for (row, expected) in reader.get_row_iter(None).expect("rows").zip(&rows[1..]) {
        let row = row.expect("it reads");
        let told: Vec<String> = row
            .get_column_iter()
            .map(|(_, field)| match field {
                Field::Null => String::new(),
                Field::Long(whole) => whole.to_string(),
                Field::Double(number) => Value::Number(*number).cell(),
                Field::Str(text) => text.clone(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(&told, expected);
        count += 1;
    }
    assert_eq!(count, 12);
    assert!(
        files.parquet == written(&layout, &sample_runs()).parquet,
        "equal rows, equal bytes"
    );
}

#[test]
fn memory_is_flat_because_a_point_is_let_go_when_it_is_written() {
    let layout = layout();
    let mut writer = Writer::new(
        &layout,
        Sinks {
            csv: std::io::sink(),
            #[cfg(feature = "parquet")]
            parquet: std::io::sink(),
        },
    )
    .expect("it takes everything");
    for run in sample_runs() {
        let point = run.point;
        writer.push(run).expect("it takes everything");
        assert_eq!(writer.rows.len(), point as usize);
    }
}

#[test]
fn an_effect_is_the_mean_of_its_level_over_replications() {
    let layout = layout();
    let mut runs = sample_runs();
    let at = runs::figures()
        .iter()
        .position(|column| column.name == "cost_usd_per_hour");
    let at = at.expect("a column");
    for run in &mut runs {
        // Points 0 and 2 are `fast`: their mean is 2 + replication; point 1 is 10.
        run.figures[at] = Value::Number([1.0, 10.0, 3.0][run.point as usize] + f64::from(run.replication % 2));
    }
    let mut effects = Effects::new(&layout);
    runs.iter().for_each(|run| effects.add(run));
    let cost = effects.on(2);
    assert_eq!(cost.len(), 3);
    let names: Vec<&str> = cost[2].levels.iter().map(|level| level.name.as_str()).collect();
    assert_eq!(names, ["fast", "a, \"b\""]);
    let fast = cost[2].levels[0].mean.expect("there are runs");
    // The means over points are 2, 3, 2 and 3: mean 2.5, standard error 0.5/√3, t(3) = 3.18245.
    assert!((fast.value - 2.5).abs() < 1e-12);
    let (low, high) = fast.interval().expect("they differ");
    assert!((0.5 * (high - low) - 3.182_446 * 0.5 / 3_f64.sqrt()).abs() < 1e-5);
    assert_eq!(
        cost[0].levels.iter().filter_map(|level| level.at).collect::<Vec<_>>(),
        [2.0, 4.0, 8.0]
    );
}

fn manifest(change: impl FnOnce(&mut About)) -> Manifest {
    let mut about = About {
        name: "shop".into(),
        command: "wavetank sweep shop.yaml".into(),
        scenario: "shop.yaml".into(),
        scenario_hash: "0123".into(),
        settings: vec![],
        seed: 1,
        warm_up_s: 0.5,
        duration_s: 60.0,
    };
    change(&mut about);
    Manifest::new(about, &layout(), &Cut::new(3, 4, 5).expect("a cut"))
}

#[test]
fn a_manifest_reads_back_and_says_when_it_was_altered() {
    let whole = manifest(|_| {});
    let bytes = whole.to_json();
    assert_eq!(Manifest::read(&bytes), Ok(whole.clone()));
    assert_eq!(whole.layout(), layout());
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        // An altered blank, or a last line without its end, may read the same; then nothing is different.
        for bytes in [&altered[..], &bytes[..at]] {
            assert!(Manifest::read(bytes).map_or(true, |read| read == whole), "byte {at}");
        }
    }
    assert!(Manifest::read(&bytes[..bytes.len() / 2]).is_err());
    let text = String::from_utf8(bytes).expect("UTF-8");
    let other = text.replace("\"format\": 1", "\"format\": 2");
    assert_eq!(
        Manifest::read(other.as_bytes()),
        Err(Unfit::OtherVersion("format", "2".into(), "1".into()))
    );
}

#[test]
fn where_the_scenario_lies_does_not_make_another_sweep() {
    let one = manifest(|_| {});
    let elsewhere = manifest(|about| {
        about.scenario = "/mnt/shop.yaml".into();
        about.command = "wavetank sweep /mnt/shop.yaml".into();
    });
    assert_eq!(one.differs(&elsewhere), None);
    let seed = manifest(|about| {
        about.seed = 2;
        about.scenario_hash = "4567".into();
    });
    assert_eq!(
        one.differs(&seed),
        Some(Difference::Settings("seed", "1".into(), "2".into()))
    );
    let scenario = manifest(|about| about.scenario_hash = "4567".into());
    assert_eq!(one.differs(&scenario), Some(Difference::Scenario));
}
