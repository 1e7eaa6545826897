use super::malformed;
use crate::domain::inference::ProviderError;

/// The vectors of an answer, if there is one for each of so many texts.
pub(crate) fn one_for_each(vectors: Vec<Vec<f32>>, texts: usize) -> Result<Vec<Vec<f32>>, ProviderError> {
    let found = vectors.len();
    if found != texts {
        return Err(ProviderError::Malformed(format!("{found} vectors came for {texts} texts")));
    }
    if vectors.iter().any(Vec::is_empty) {
        return Err(malformed("a vector without numbers"));
    }
    Ok(vectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_a_vector_with_numbers() {
        let vectors = || vec![vec![0.5], vec![-1.0]];
        assert_eq!(one_for_each(vectors(), 2), Ok(vectors()));
        for (wrong, texts) in [(vectors(), 1), (vectors(), 3), (vec![vec![]], 1)] {
            assert!(matches!(one_for_each(wrong, texts), Err(ProviderError::Malformed(_))), "{texts}");
        }
    }
}
