//! Weights that cannot go out or in.

use insta::assert_snapshot;

use super::Folder;

const NETWORK: &str = "[models.net.detector.lstm_forecaster]
units = 2
[models.net.train]
epochs = 1
";

/// A trained network of two units, and its weights as `keras.safetensors` and `pytorch.safetensors`.
fn trained() -> Folder {
    let folder = Folder::with_prices();
    folder.change("[threshold.quantile]", &format!("{NETWORK}\n[threshold.quantile]"));
    for arguments in [
        &["train", "pipelines/job.toml"][..],
        &["models", "export", "out", "net", "--layout", "keras", "-o", "keras.safetensors"],
        &["models", "export", "out", "net", "--layout", "pytorch", "-o", "pytorch.safetensors"],
    ] {
        let done = folder.run(arguments);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    folder
}

fn export(folder: &Folder, arguments: &[&str]) -> String {
    folder.told(&[&["models", "export"], arguments, &["--layout", "keras"]].concat())
}

fn import(folder: &Folder, model: &str, file: &str, layout: &[&str]) -> String {
    let pipeline = "pipelines/job.toml";
    folder.told(&[&["models", "import", pipeline, model, file, "--layout"], layout].concat())
}

#[test]
fn a_model_that_is_not_there() {
    let folder = trained();
    assert_snapshot!(export(&folder, &["pipelines/job.toml", "nett"]), @r"
    error: there is no model `nett`
      --> out
      expected  one of ewma, net, or the id of a stored model
      hint: `oddlot models PIPELINE` lists them with their ids

    exit 5
    ");
    assert_snapshot!(export(&folder, &["out", "../net"]), @r"
    error: there is no model `../net`
      --> out
      expected  one of ewma, net, or the id of a stored model
      hint: `oddlot models PIPELINE` lists them with their ids

    exit 5
    ");
    assert_snapshot!(import(&folder, "nett", "keras.safetensors", &["keras"]), @r"
    error: the pipeline has no model `nett`
      --> pipelines/job.toml
      expected  one of its networks: net
      hint: did you mean `net`?

    exit 5
    ");
    let folder = Folder::with_prices();
    assert_snapshot!(export(&folder, &["pipelines/job.toml", "ewma"]), @r"
    error: there is no output here
      --> out
      expected  a folder that `oddlot run` has written
      found     no such folder
      hint: run a pipeline first, or name the folder of its `output.root`

    exit 3
    ");
}

#[test]
fn a_model_that_has_no_weights() {
    let folder = trained();
    assert_snapshot!(export(&folder, &["pipelines/job.toml", "ewma"]), @r"
    error: `ewma` has no weights
      expected  a network: lstm_autoencoder, lstm_forecaster
      found     ewma_z, which is computed

    exit 5
    ");
    assert_snapshot!(import(&folder, "ewma", "keras.safetensors", &["keras"]), @r"
    error: `ewma` has no weights
      expected  a network: lstm_autoencoder, lstm_forecaster
      found     ewma_z, which is computed

    exit 5
    ");
}

#[test]
fn a_file_that_is_missing_or_holds_no_weights() {
    let folder = trained();
    assert_snapshot!(import(&folder, "net", "none.safetensors", &["keras"]), @r#"
    error: the weights cannot be read
      --> none.safetensors
      expected  a safetensors file with arrays of 32-bit floats
      found     No such file or directory (os error 2)
      hint: in Python: `from safetensors.numpy import save_file; save_file({w.path: w.numpy() for w in model.weights}, "net.safetensors")`

    exit 3
    "#);
    folder.write("text.safetensors", "not weights");
    assert_snapshot!(import(&folder, "net", "text.safetensors", &["pytorch"]), @r#"
    error: the file holds no weights that can be used
      --> text.safetensors
      expected  a safetensors file with arrays of 32-bit floats
      found     header too large
      hint: in Python: `from safetensors.torch import save_file; save_file(model.state_dict(), "net.safetensors")`

    exit 3
    "#);
}

#[test]
fn weights_in_another_layout() {
    let folder = trained();
    assert_snapshot!(import(&folder, "net", "pytorch.safetensors", &["keras"]), @r"
    error: the weights do not fit `net`
      --> pytorch.safetensors
      expected  the arrays of lstm_forecaster, in the layout of keras
      found     dense_0.bias belongs to no layer; dense_0.weight belongs to no layer; lstm_0.bias_hh_l0 belongs to no layer; lstm_0.bias_ih_l0 belongs to no layer; lstm_0.weight_hh_l0 belongs to no layer; lstm_0.weight_ih_l0 belongs to no layer; lstm_0 is missing: kernel [1, 8], recurrent_kernel [2, 8], bias [8]; dense_0 is missing: kernel [2, 1], bias [1]
      hint: its names are those of pytorch: `--layout pytorch`

    exit 5
    ");
    assert_snapshot!(import(&folder, "net", "keras.safetensors", &["pytorch"]), @r"
    error: the weights do not fit `net`
      --> keras.safetensors
      expected  the arrays of lstm_forecaster, in the layout of pytorch
      found     dense/bias belongs to no layer; dense/kernel belongs to no layer; lstm/lstm_cell/bias belongs to no layer; lstm/lstm_cell/kernel belongs to no layer; lstm/lstm_cell/recurrent_kernel belongs to no layer; lstm_0 is missing: weight_ih [8, 1], weight_hh [8, 2], bias_ih [8], bias_hh [8]; dense_0 is missing: weight [1, 2], bias [1]
      hint: its names are those of keras: `--layout keras`

    exit 5
    ");
}

#[test]
fn weights_of_other_shapes() {
    let folder = trained();
    folder.change("units = 2", "units = 3");
    assert_snapshot!(import(&folder, "net", "keras.safetensors", &["keras"]), @r#"
    error: the weights do not fit `net`
      --> keras.safetensors
      expected  the arrays of lstm_forecaster, in the layout of keras
      found     lstm/lstm_cell/kernel has the shape [1, 8] where lstm_0 wants [1, 12]; lstm/lstm_cell/recurrent_kernel has the shape [2, 8] where lstm_0 wants [3, 12]; lstm/lstm_cell/bias has the shape [8] where lstm_0 wants [12]; dense/kernel has the shape [2, 1] where dense_0 wants [3, 1]
      hint: give `net` the layers of the file, or name those of the file in their order with `--layers`; in Python: `from safetensors.numpy import save_file; save_file({w.path: w.numpy() for w in model.weights}, "net.safetensors")`

    exit 5
    "#);
}

#[test]
fn layers_that_are_named_wrongly() {
    let folder = trained();
    let layers = ["keras", "--layers", "lstm,output"];
    assert_snapshot!(import(&folder, "net", "keras.safetensors", &layers), @r#"
    error: the weights do not fit `net`
      --> keras.safetensors
      expected  the arrays of lstm_forecaster, in the layout of keras
      found     there is no layer `output`; dense/bias belongs to no layer; dense/kernel belongs to no layer
      hint: give `net` the layers of the file, or name those of the file in their order with `--layers`; in Python: `from safetensors.numpy import save_file; save_file({w.path: w.numpy() for w in model.weights}, "net.safetensors")`

    exit 5
    "#);
    assert_snapshot!(export(&folder, &["out", "net", "--layers", "lstm"]), @r"
    error: the layers cannot be named so
      expected  with `--layers` one name for each layer with weights
      found     1 layers are named where the network has 2 with weights: lstm_0, dense_0

    exit 78
    ");
}

#[test]
fn cells_that_pytorch_does_not_have_are_warned_of() {
    let folder = trained();
    folder.change("units = 2", "units = 2\nactivation = \"relu\"");
    let warning = "torch.nn.LSTM knows tanh only";
    let said = |arguments: &[&str]| {
        let done = folder.run(arguments);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stderr).expect("UTF-8")
    };
    let of = |what: &[&str], layout: &str, more: &[&str]| {
        said(&[&["models"], what, &["--layout", layout], more].concat())
    };
    let import = ["import", "pipelines/job.toml", "net", "pytorch.safetensors"];
    assert!(of(&import, "pytorch", &[]).contains(warning));
    let (export, file) = (["export", "pipelines/job.toml", "net"], ["-o", "there"]);
    assert!(of(&export, "pytorch", &file).contains(warning));
    assert!(!of(&export, "keras", &file).contains(warning));
}

#[test]
fn a_place_where_weights_cannot_be_written() {
    let folder = trained();
    assert_snapshot!(export(&folder, &["out", "net", "-o", "keras.safetensors/net"]), @r"
    error: the weights cannot be written
      --> keras.safetensors/net
      expected  a place that this user may write to, with room left
      found     Not a directory (os error 20)
      hint: name another file with `--output`

    exit 73
    ");
}
