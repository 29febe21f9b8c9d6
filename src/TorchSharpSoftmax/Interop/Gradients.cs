using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>The gradients that a backward body fills in, one place per input. A place left empty is a zero gradient.</summary>
internal readonly ref struct Gradients(Span<Tensor?> places, ReadOnlySpan<bool> wanted)
{
    private readonly Span<Tensor?> _places = places;
    private readonly ReadOnlySpan<bool> _wanted = wanted;

    /// <summary>Whether anybody asks for the gradient of this input.</summary>
    internal bool Wants(int input) => _wanted[input];

    internal Tensor? this[int input]
    {
        set => _places[input] = value;
    }
}
