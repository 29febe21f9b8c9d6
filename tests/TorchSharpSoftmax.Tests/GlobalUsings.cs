// TorchSharp's names are imported file by file, so that README snippets compile here with their own usings and no others.
global using Xunit;
