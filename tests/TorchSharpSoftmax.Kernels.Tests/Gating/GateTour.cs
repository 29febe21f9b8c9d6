using System.Numerics;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Every pass of the gate.</summary>
internal unsafe struct GateTour : IKernelTour
{
    private const int Tokens = 33, Experts = 12, Kept = 6;

    public static void Run<S>(TourMemory<S> memory, int count)
        where S : unmanaged
    {
        if (count < Tokens * Experts || count * sizeof(S) >= KernelTour.StreamedBytes - sizeof(double))
        {
            return; // the same passes whatever the size
        }

        Isa.Run<S, OnlyTheStore>(new(memory.Sums, memory.Y), 1, 1, 1);
        Isa.Run<S, LongLists>(new(memory.Sums), 1, 1, 1);
        Isa.Run<S, Combinations>(new(memory.X, memory.Y, memory.Dy, memory.Sums), 1, 1, 1);
        var results = stackalloc double[(2 * Tokens * Kept) + (5 * Tokens) + (3 * Experts)]; // room for either computing type
        long* indices = stackalloc long[Tokens * Kept], counts = stackalloc long[Experts];
        double* weights = results, upstream = weights + (Tokens * Kept), lse = upstream + (Tokens * Kept), dlse = lse + Tokens, state = dlse + Tokens;
        double* mean = state + (3 * Tokens), dmean = mean + Experts, bias = dmean + Experts;
        foreach (GateRule rule in (GateRule[])[new(TopKGateMode.KeptSoftmax), new(TopKGateMode.Softmax), new(TopKGateMode.Sigmoid, 2, 1)])
        {
            foreach (int kept in (int[])[1, 2, Kept])
            {
                var shape = new GateShape(Tokens, Experts, kept);
                foreach (bool statistics in (bool[])[false, true])
                {
                    GateKernels.TopK<S>(
                        new()
                        {
                            Shape = shape,
                            Rule = rule,
                            Logits = memory.X,
                            Bias = bias,
                            Weights = weights,
                            Indices = indices,
                            Counts = counts,
                            Lse = lse,
                            Mean = statistics ? mean : null,
                            State = state,
                        },
                        1);
                    GateKernels.TopKBackward<S>(
                        new()
                        {
                            Shape = shape,
                            Rule = rule,
                            Logits = memory.X,
                            Weights = weights,
                            Indices = indices,
                            State = state,
                            WeightsGradient = upstream,
                            LseGradient = statistics ? dlse : null,
                            MeanGradient = statistics ? dmean : null,
                            LogitsGradient = memory.Y,
                        },
                        1);
                }
            }
        }
    }

    /// <summary>Of types that are stored as they are computed nothing need be stored again.</summary>
    private readonly struct OnlyTheStore(void* from, void* to) : IRowKernel
    {
        public void Rows<V, S, T, M>(nint first, nint end)
            where V : unmanaged, ILanes<V, T>
            where S : unmanaged
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
            where M : struct, IStored<S, T> => GateRows<V, S, T, M>.Store((T*)from, (S*)to, Tokens);
    }

    /// <summary>More numbers than the passes take that do not ask first.</summary>
    private readonly struct LongLists(void* memory) : IRowKernel
    {
        private const int Numbers = 520, Most = 9;

        public void Rows<V, S, T, M>(nint first, nint end)
            where V : unmanaged, ILanes<V, T>
            where S : unmanaged
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
            where M : struct, IStored<S, T>
        {
            T* x = (T*)memory, values = x + (Numbers * V.Count), places = values + (Most * V.Count), bad = places + (Most * V.Count);
            for (int kept = 1; kept <= Most; kept++)
            {
                GateSelect<V, T>.Run(x, Numbers, kept, values, places, bad);
            }
        }
    }

    /// <summary>Rows of experts, which come back to two tokens.</summary>
    private readonly struct Combinations(void* x, void* y, void* gradient, void* sums) : IRowKernel
    {
        private const int Features = 50, Kept = 2, Line = 64;

        public void Rows<V, S, T, M>(nint first, nint end)
            where V : unmanaged, ILanes<V, T>
            where S : unmanaged
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
            where M : struct, IStored<S, T>
        {
            long* places = stackalloc long[] { 2, 0, -1, 1 };
            foreach (bool weighted in (bool[])[false, true])
            {
                new GateCombine(new() { Tokens = 2, Kept = Kept, Features = Features, Rows = x, Places = places, Weights = weighted ? sums : null, Tokenwise = y })
                    .Rows<V, S, T, M>(0, 2);
            }

            new GateCombineBackward(new()
            {
                Tokens = 2,
                Kept = Kept,
                Features = Features,
                Rows = x,
                Places = places,
                Weights = sums,
                Tokenwise = y,
                RowsGradient = gradient,
                WeightsGradient = sums,
            }).Rows<V, S, T, M>(0, 2);
            GateCombinePasses<V, S, T, M>.Spread<Yes>((S*)(((nint)gradient + Line - 1) & ~(nint)(Line - 1)), Line, places, (T*)sums, Kept, 2, (S*)y);
        }
    }
}
