using TorchSharpSoftmax.Packages.Tests;
using Xunit;

[assembly: AssemblyFixture(typeof(Packed))]
