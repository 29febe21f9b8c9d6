namespace TorchSharpSoftmax.Kernels;

/// <summary>A choice made when a kernel is compiled, not while it runs.</summary>
internal interface IChoice
{
    static abstract bool Yes { get; }
}

internal readonly struct Yes : IChoice
{
    static bool IChoice.Yes => true;
}

internal readonly struct No : IChoice
{
    static bool IChoice.Yes => false;
}
