namespace TorchSharpSoftmax.Kernels;

/// <summary>What the terms of a row are scaled by; what A and B are is the link's own business.</summary>
internal readonly struct LinkFrame<V>(V a, V b)
{
    internal readonly V A = a, B = b;
}

/// <summary>A link in lanes, for the passes, and element by element in double, for the target of a row.</summary>
/// <remarks>
/// A row's top is what tells its largest element: the logit itself for softmax, its term for StableMax. Slope is the derivative of log(term).
/// </remarks>
internal interface ILink<L, V, T>
    where L : struct, ILink<L, V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged
{
    /// <summary>Whether a row's largest logit has to be known before its terms.</summary>
    static abstract bool ByMax { get; }

    static abstract L New();

    LinkFrame<V> FrameOf(T top, T scale);

    /// <summary>A term in its row's frame; the largest one is neither 0 nor near the end of the type's range.</summary>
    V Term(V x, in LinkFrame<V> frame);

    /// <summary>What <see cref="Share"/> takes, from <see cref="Coefficient"/>.</summary>
    V Factor(T coefficient, T top, in LinkFrame<V> frame);

    /// <summary>coefficient * probability * slope, rounded once below the normal range.</summary>
    V Share(V x, in LinkFrame<V> frame, V factor);

    V Slope(V x);

    /// <summary>What compares with a row's top.</summary>
    V Key(V x);

    static abstract bool IsTop(T x, double top);

    /// <summary>log(largest term / term of x), exactly 0 for the largest.</summary>
    static abstract double Gap(T x, double top);

    static abstract double SlopeOf(double x);

    /// <summary>The term of x in units of the largest.</summary>
    static abstract double Relative(double x, double top);

    /// <summary>coefficient, in units in which no product on the way to a gradient leaves the type's range early, and the scale of the frame that makes up for it.</summary>
    static abstract (double Coefficient, double Scale) Coefficient(double coefficient, double top);
}

/// <summary>log(largest term / term) in lanes.</summary>
internal interface IGap<G, V, T>
    where G : struct, IGap<G, V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged
{
    static abstract G New();

    /// <summary>Exactly 0 for the largest; infinity for a term of 0.</summary>
    V Of(V x, V top, V logTop);

    /// <summary>What <see cref="Of"/> wants to know of log(top).</summary>
    static abstract double LogTop(double top);
}
