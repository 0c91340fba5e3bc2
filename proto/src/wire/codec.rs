//! Protobuf with small buffers: an idle stream holds two of them, and a controller holds thousands of idle streams.

use std::marker::PhantomData;

use prost::Message;
use tonic::codec::BufferSettings;
use tonic_prost::{ProstDecoder, ProstEncoder};

/// First size of a stream's buffers, in bytes; they grow with what is sent.
const BUFFER: usize = 512;
/// More than this is never gathered before it is handed on, in bytes.
const YIELD: usize = 32 << 10;

/// The codec of every service; generated code names it.
pub struct Codec<T, U>(PhantomData<(T, U)>);

impl<T, U> std::fmt::Debug for Codec<T, U> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Codec")
    }
}

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> tonic::codec::Codec for Codec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = ProstDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::new(BufferSettings::new(BUFFER, YIELD))
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstDecoder::new(BufferSettings::new(BUFFER, YIELD))
    }
}
