//! Weights as safetensors bytes.
//!
//! Format: <https://huggingface.co/docs/safetensors>: a JSON header, then `f32` little endian. The crate
//! orders arrays by name, so the same weights always give the same bytes.

use oddlot_series::{FitError, NamedTensor};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// Weights as a safetensors file.
///
/// # Errors
/// Two arrays of one name, or values that do not fill their shape.
pub fn to_safetensors(weights: &[NamedTensor]) -> Result<Vec<u8>, FitError> {
    let mut names: Vec<&str> = weights.iter().map(|tensor| tensor.name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(FitError::Weights(format!("{} is there twice", pair[0])));
    }
    let bytes: Vec<Vec<u8>> = weights
        .iter()
        .map(|tensor| tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let views: Vec<(&str, TensorView<'_>)> = weights
        .iter()
        .zip(&bytes)
        .map(|(tensor, bytes)| {
            TensorView::new(Dtype::F32, tensor.shape.clone(), bytes)
                .map(|view| (tensor.name.as_str(), view))
                .map_err(|error| FitError::Weights(format!("{}: {error}", tensor.name)))
        })
        .collect::<Result<_, _>>()?;
    safetensors::serialize(views, None).map_err(|error| FitError::Weights(error.to_string()))
}

/// Weights from a safetensors file, in the order in which it holds them.
///
/// # Errors
/// Bytes that are no safetensors file, or every array that is not `f32`.
pub fn from_safetensors(bytes: &[u8]) -> Result<Vec<NamedTensor>, FitError> {
    let file =
        SafeTensors::deserialize(bytes).map_err(|error| FitError::Weights(error.to_string()))?;
    let (mut weights, mut faults) = (Vec::new(), Vec::new());
    for (name, view) in file.iter() {
        match view.dtype() {
            Dtype::F32 => weights.push(NamedTensor {
                name: name.to_owned(),
                shape: view.shape().to_vec(),
                values: view.data().chunks_exact(4).map(from_le_bytes).collect(),
            }),
            other => faults.push(format!("{name} holds {other:?} where F32 is expected")),
        }
    }
    weights.sort_by(|a, b| a.name.cmp(&b.name));
    faults.sort();
    if faults.is_empty() { Ok(weights) } else { Err(FitError::Weights(faults.join("; "))) }
}

fn from_le_bytes(bytes: &[u8]) -> f32 {
    f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights() -> Vec<NamedTensor> {
        vec![
            NamedTensor { name: "b".into(), shape: vec![2], values: vec![1.5, -0.0] },
            NamedTensor { name: "a".into(), shape: vec![1, 3], values: vec![0.1, 1e-40, 3.0] },
        ]
    }

    #[test]
    fn bytes_do_not_depend_on_the_order_and_come_back_bit_for_bit() {
        let forward = to_safetensors(&weights()).unwrap();
        let reversed: Vec<NamedTensor> = weights().into_iter().rev().collect();
        assert_eq!(forward, to_safetensors(&reversed).unwrap());
        let back = from_safetensors(&forward).unwrap();
        let bits = |t: &NamedTensor| t.values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(
            back.iter().map(bits).collect::<Vec<_>>(),
            reversed.iter().map(bits).collect::<Vec<_>>()
        );
        assert_eq!(back, reversed);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let error = |weights: &[NamedTensor]| to_safetensors(weights).unwrap_err().to_string();
        let twice = [weights()[0].clone(), weights()[0].clone()];
        assert_eq!(error(&twice), "weights: b is there twice");
        let short = NamedTensor { shape: vec![3], ..weights()[0].clone() };
        assert!(error(&[short]).starts_with("weights: b: "));
        assert!(from_safetensors(b"not a safetensors file").is_err());
        let header = br#"{"w":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},"b":{"dtype":"I8","shape":[2],"data_offsets":[2,4]}}"#;
        let bytes = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 4]].concat();
        let error = from_safetensors(&bytes).unwrap_err().to_string();
        let all = "weights: b holds I8 where F32 is expected; w holds F16 where F32 is expected";
        assert_eq!(error, all);
    }
}
