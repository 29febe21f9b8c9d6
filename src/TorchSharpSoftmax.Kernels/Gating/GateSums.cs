using System.Runtime.InteropServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>What a gate counts and sums over tokens: a part for each chunk of them, put together in order. Chunks depend on the number of tokens alone.</summary>
internal readonly unsafe struct GateSums : IDisposable
{
    /// <summary>So many tokens are summed in the computing type; a multiple of every width.</summary>
    internal const nint TokensPerFold = 256;

    private const nint MostChunks = 256;
    private readonly void* _block;
    private readonly long* _counts;
    private readonly double* _means;
    private readonly nint _tokens, _experts, _tokensPerChunk;

    internal GateSums(GateShape shape)
    {
        (_tokens, _experts) = (shape.Tokens, shape.Experts);
        _tokensPerChunk = TokensPerFold * Math.Max(1, (shape.Tokens + MostChunks * TokensPerFold - 1) / (MostChunks * TokensPerFold));
        Chunks = (shape.Tokens + _tokensPerChunk - 1) / _tokensPerChunk;
        nint each = Chunks * _experts * sizeof(long);
        Span<nint> parts = [each, each];
        _block = Block.Take(parts);
        _counts = (long*)parts[0];
        _means = (double*)parts[1];
        NativeMemory.Clear(_counts, (nuint)each);
        NativeMemory.Clear(_means, (nuint)each);
    }

    internal nint Chunks { get; }

    internal nint ElementsPerChunk => _tokensPerChunk * _experts;

    /// <summary>The chunk's first token, or for the one after the last the end.</summary>
    internal nint First(nint chunk) => Math.Min(_tokens, chunk * _tokensPerChunk);

    internal long* Counts(nint chunk) => _counts + chunk * _experts;

    internal double* Means(nint chunk) => _means + chunk * _experts;

    /// <summary>All chunks' parts put together.</summary>
    internal void Finish<T>(long* counts, T* mean) where T : unmanaged
    {
        for (nint e = 0; e < _experts; e++)
        {
            long count = 0;
            double sum = 0;
            for (nint at = e; at < Chunks * _experts; at += _experts)
            {
                count += _counts[at];
                sum += _means[at];
            }
            counts[e] = count;
            if (mean != null) mean[e] = Const.Of<T>(sum / _tokens); // NaN of no token
        }
    }

    public void Dispose() => Block.Give(_block);
}
