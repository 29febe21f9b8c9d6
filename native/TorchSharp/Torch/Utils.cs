namespace TorchSharp;

public static partial class torch
{
    /// <summary>Has no member here, but its name is taken there too: beside <c>nn.utils</c> an unqualified <c>utils</c> is ambiguous.</summary>
    public static partial class utils
    {
    }
}
