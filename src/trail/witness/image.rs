//! A request as an image to photograph: the way across where no file may be carried.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

use super::WitnessError;

/// A QR code (ISO/IEC 18004) of the text as SVG. A request fits up to a proof of some fifty hashes.
pub fn image(text: &str) -> Result<String, WitnessError> {
    let code =
        QrCode::with_error_correction_level(text, EcLevel::L).map_err(|_| WitnessError::TooLong)?;
    Ok(code.render::<svg::Color<'_>>().min_dimensions(480, 480).build())
}
