//! A pretend MOBOTIX camera.
