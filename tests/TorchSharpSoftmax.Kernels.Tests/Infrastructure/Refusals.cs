namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>What a public method does not take, it says by the argument's name.</summary>
internal static class Refusals
{
    /// <summary>Asserts the argument, and how the message begins.</summary>
    internal static void Refuses(string argument, string message, Action action)
    {
        var refusal = Assert.ThrowsAny<ArgumentException>(action);
        Assert.Equal(argument, refusal.ParamName);
        Assert.StartsWith(message, refusal.Message, StringComparison.Ordinal);
    }
}
