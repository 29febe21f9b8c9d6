namespace TorchSharpSoftmax.Kernels;

/// <summary>A call that brings rows back to their tokens: y[t] = sum over j of weights[t, j] * rows[places[t, j]], in the order of j.</summary>
/// <remarks>Weights are of the computing type, all else of the stored type. No row has two places, and each has one.</remarks>
internal readonly unsafe struct GateCombineTask
{
    internal required nint Tokens { get; init; }

    /// <summary>Places per token.</summary>
    internal required nint Kept { get; init; }

    /// <summary>Elements of a row.</summary>
    internal required nint Features { get; init; }

    /// <summary>[rows, features]; backward needs them for the weights' gradient alone.</summary>
    internal void* Rows { get; init; }

    /// <summary>[tokens, kept]: the row, or less than 0 where there is none, which counts as a row of zeros.</summary>
    internal required long* Places { get; init; }

    /// <summary>[tokens, kept], or null for 1.</summary>
    internal void* Weights { get; init; }

    /// <summary>[tokens, features]: y, or in backward its gradient.</summary>
    internal required void* Tokenwise { get; init; }

    /// <summary>Backward: [rows, features], or null where nobody asks for it.</summary>
    internal void* RowsGradient { get; init; }

    /// <summary>Backward: [tokens, kept], or null where nobody asks for it.</summary>
    internal void* WeightsGradient { get; init; }
}
