using System.Numerics;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Every pass of cut cross-entropy, and of the product under it.</summary>
internal unsafe struct CutCrossEntropyTour : IKernelTour
{
    private const int Classes = 61, Features = 23, Tokens = 7;

    public static void Run<S>(TourMemory<S> memory, int count)
        where S : unmanaged
    {
        if (sizeof(S) == sizeof(double))
        {
            Run<S, double>(memory, count);
        }
        else
        {
            Run<S, float>(memory, count);
        }
    }

    /// <summary>Of the two shapes of a tile each width uses one.</summary>
    private readonly struct BothTiles(void* memory) : IRowKernel
    {
        public void Rows<V, S, T, M>(nint first, nint end)
            where V : unmanaged, ILanes<V, T>
            where S : unmanaged
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
            where M : struct, IStored<S, T>
        {
            var a = (T*)memory;
            T** c = stackalloc T*[8];
            for (int i = 0; i < 8; i++)
            {
                c[i] = a + 1024;
            }

            GemmTile<V, T>.Tile8x3(a, 0, 1, 8, 0, a, a, 1, c, true);
            GemmTile<V, T>.Tile8x1(a, 0, 1, 8, 0, a, a, 1, c, true);
            GemmTile<V, T>.Tile6x2(a, 0, 1, 6, 0, a, a, 1, c, true);
        }
    }

    private static void Run<S, T>(TourMemory<S> memory, int count)
        where S : unmanaged
        where T : unmanaged
    {
        if (count < Classes * Features || count * sizeof(S) >= KernelTour.StreamedBytes - sizeof(double))
        {
            return; // the same passes whatever the size
        }

        Isa.Run<S, BothTiles>(new(memory.Sums), 1, 1, 1);
        CutCrossEntropyScale.Run(memory.X, count, 0.25, 1);
        T[] weight = new T[Classes * Features], perClass = new T[Classes];
        long[] index = [.. Enumerable.Range(0, Tokens)], targets = new long[Tokens];
        var results = new CutCrossEntropyRow[Tokens];
        var upstream = new CutCrossEntropyUpstream[Tokens];
        upstream.AsSpan().Fill(new(1, 1, 1));
        fixed (T* dw = weight, pc = perClass)
        fixed (long* pi = index, pt = targets)
        fixed (CutCrossEntropyRow* rows = results)
        fixed (CutCrossEntropyUpstream* pu = upstream)
        {
            foreach (CrossEntropyLink link in Enum.GetValues<CrossEntropyLink>())
            {
                foreach (bool general in (bool[])[false, true])
                {
                    var task = new CutCrossEntropyTask
                    {
                        Link = link,
                        Features = Features,
                        Classes = Classes,
                        Rows = Tokens,
                        Input = memory.X,
                        RowIndex = pi,
                        Weight = memory.X,
                        Bias = pc,
                        TargetsPerRow = general ? 0 : 1,
                        Targets = pt,
                        Probabilities = general ? memory.Y : null,
                        Softcap = general ? 3 : 0,
                        Scale = 1,
                        Smoothing = general ? 0.1 : 0,
                        WantsEntropy = general,
                        WantsArgmax = true,
                    };
                    var gradients = new CutCrossEntropyGradients((nint)memory.Dy, (nint)dw, (nint)pc);
                    CutCrossEntropyKernels.ForwardBackward<S>(task, rows, pu, 0, gradients, new(general ? 0.1 : 0, general, 1), 1 << 20, 1);
                    CutCrossEntropyKernels.Forward<S>(task, rows, 1 << 20, 1, new(0.1));
                }
            }
        }
    }
}
