//! Models in this process: from files to answers.
//!
//! [`Checkpoint`] checks a model's files before anything is loaded, [`LocalModel`] loads them, and [`Decoder`] computes.
//! An [`Engine`] is the thread that draws answers with it and scores texts, and [`Local`] makes it a [`Provider`](crate::Provider), with a
//! [`ChatStyle`] that turns conversations into prompts.
//!
//! Everything in a file is foreign: sizes, offsets and shapes are compared with each other first, so that a file that lies
//! is a [`LoadError`] and not a panic.

mod attention;
mod batch;
mod blocks;
pub mod cache;
pub mod chat;
pub mod checkpoint;
pub mod config;
pub mod decoder;
pub mod device;
mod distinct;
mod draft;
mod drafter;
pub mod drawn;
pub mod embedded;
pub mod embeddings;
pub mod engine;
pub mod error;
pub mod fixture;
mod fused;
pub mod gguf;
pub mod hub;
pub mod kernel;
mod lanes;
mod linear;
pub mod load;
pub mod manifest;
pub mod memory;
mod pace;
mod panels;
pub mod pass;
pub mod prefix;
pub mod provider;
mod recycling;
pub mod requantize;
pub mod request;
mod rope;
mod row;
mod rsd;
pub mod safetensors;
pub mod sample;
mod score;
mod source;
pub mod speculation;
mod tile;
pub mod tokenizer;

pub use chat::{Asked, ChatError, ChatStyle, Prompt, TemplateStyle};
pub use checkpoint::{ChatTexts, Checkpoint, Format, ModelBytes, TensorReport};
pub use config::{Architecture, DecoderConfig};
pub use decoder::Decoder;
pub use device::DeviceChoice;
pub use drawn::DrawnTree;
pub use embeddings::LocalEmbeddings;
pub use engine::{Engine, EngineOptions, EngineTotals};
pub use error::{LoadError, LoadErrorKind};
pub use kernel::KernelClass;
pub use load::{LoadOptions, LocalModel};
pub use manifest::Manifest;
pub use pass::{Mask, Pass, Shared};
pub use provider::Local;
pub use request::{
    Answer, End, EngineError, Generate, Generated, Hidden, ProcessorFactory, RowStart, Score, Scored,
};
pub use sample::Sampling;
pub use speculation::Speculation;
pub use tokenizer::LocalTokenizer;
