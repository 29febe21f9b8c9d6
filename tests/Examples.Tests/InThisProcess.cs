using Xunit;

namespace TorchSharpSoftmax.Examples.Tests;

/// <summary>Tests that compute in the test's own process take turns: libtorch has one random generator and one pool of threads for all of it.</summary>
[CollectionDefinition(Name)]
public sealed class InThisProcess
{
    public const string Name = "in this process";
}
