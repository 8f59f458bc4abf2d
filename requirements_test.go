package mcpoauth_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A requirement is something that a real client needs or an attack that must fail,
// with the tests that prove it. The number is in their names.
type requirement struct {
	number int
	rule   string
	tests  []string
}

// required are the numbers that hold in every version, as first and last of a range.
var required = [][2]int{{1, 53}, {56, 58}, {60, 60}}

// notChosen are those that are optional and not done, with the reason.
var notChosen = map[int]string{
	27: "A registration that is its own signed client ID would outlive a lost state.json. But the grants are lost with it, so that each client needs " +
		"its person again in any case, and a public client that registers again as before gets the ID it had.",
}

var requirements = []requirement{
	{1, "Metadata of the authorization server is at its RFC 8414 path; openid-configuration is 404, because clients would take it for full OpenID Connect.", []string{
		"TestR1_AuthorizationServerMetadataIsServed",
		"TestR1_OpenIDConfigurationIs404BecauseClientsReadItAsFullOpenID",
	}},
	{2, "The issuer is the root of the origin, which is the one form that every client finds.", []string{
		"TestR2_TheIssuerIsTheRootByDefault",
	}},
	{3, "The issuer is the same bytes in the metadata, in authorization_servers and in iss, without a slash at the end.", []string{
		"TestR3_TheIssuerIsTheSameBytesEverywhere",
	}},
	{4, "A resource names exactly one authorization server.", []string{
		"TestR4_AResourceHasExactlyOneAuthorizationServer",
		"TestR4_AResourceNamesOneAuthorizationServer",
	}},
	{5, "Metadata of a resource is at its path-inserted URL and at the root, with or without a slash at the end.", []string{
		"TestR5_MetadataOfAResourceIsAtItsPathInsertedURL",
		"TestR5_ResourceMetadataIsAtItsPathAndTheRootWithOrWithoutASlash",
	}},
	{6, "The resource in the metadata is its public URL as configured, without a slash added.", []string{
		"TestR6_TheResourceIsThePublicURLOfItsPathWithoutASlash",
	}},
	{7, "The document at the root is that of the default endpoint.", []string{
		"TestR7_TheRootDocumentIsThatOfTheOneEndpoint",
	}},
	{8, "Metadata lists what works, and what works is listed.", []string{
		"TestR8_TheMetadataSaysWhatIsSupported",
		"TestR8_WhatIsAdvertisedWorksAndWhatWorksIsAdvertised",
		"TestR8_WithoutMetadataDocumentsTheMetadataDoesNotPromiseThem",
		"TestR8_WithoutRegistrationNeitherTheEndpointNorItsMetadataIsThere",
		"TestR8_WithoutRegistrationThereIsNoEndpointForIt",
	}},
	{9, "No metadata or challenge of a resource has offline_access.", []string{
		"TestR9_AResourceNeverListsOfflineAccess",
		"TestR9_OnlyTheAuthorizationServerListsOfflineAccess",
	}},
	{10, "Discovery is 200 or 404 in JSON, from bytes made beforehand, without token, limit or store.", []string{
		"TestR10_ADocumentIsTheSameBytesEachTime",
		"TestR10_AnsweringAllocatesAlmostNothing",
		"TestR10_DiscoveryHasNoRateLimit",
		"TestR10_DiscoveryIs200Or404InJSONWhateverIsAsked",
		"TestR10_DiscoveryIsTheSameBytesEachTimeAndHEADIsGETWithoutThem",
		"TestR10_DiscoveryWorksWithoutTheStore",
	}},
	{11, "Browser clients can call what clients call, and read the answers; a preflight needs no token.", []string{
		"TestR11_APreflightAllowsNoMoreThanItShould",
		"TestR11_APreflightNeedsNoToken",
		"TestR11_ARefusalForTheRateIsReadableToo",
		"TestR11_ARequestFromNoBrowserPaysNothingForThem",
		"TestR11_EveryAnswerThatBrowserClientsGetIsReadable",
		"TestR11_PagesAndTheirEndpointsAreForThisOriginAlone",
		"TestR11_ProbesForMetadataThatIsNotThereMayBePreflighted",
		"TestR11_WhatTheHandlerMakesOfItsHeaderStaysThere",
	}},
	{12, "The endpoints are at the root, where clients look that read no metadata.", []string{
		"TestR12_TheOldDefaultEndpointsAreAtTheRoot",
	}},
	{13, "Every URL comes from the one configured public URL, which is https or loopback.", []string{
		"TestR13_EveryURLIsOfTheConfigurationWhateverTheRequestSays",
		"TestR13_OnlyHTTPSOrLoopbackIsAServerURLAndItHasOneSpelling",
	}},
	{14, "Without a token every method gets 401 with resource_metadata and scope, and no error.", []string{
		"TestR14_WithoutATokenEveryMethodGetsTheExactChallenge",
	}},
	{15, "A bad, expired or revoked token gets 401 with invalid_token.", []string{
		"TestR15_ATokenThatIsNoGoodGets401InvalidToken",
		"TestR15_ATokenThatRanOutGets401InvalidToken",
		"TestR15_TroubleInTheStoreIsNotABadToken",
		"TestR15_TwoAuthorizationHeadersAreRefusedEvenIfOneIsGood",
	}},
	{16, "A missing scope gets 403 with insufficient_scope and everything that is needed.", []string{
		"TestR16_AMissingScopeIs403WithAllThatIsNeeded",
		"TestR16_ANarrowedTokenIsMeasuredByItsOwnScopesNotTheGrants",
		"TestR16_AllScopesAreNeededNotSome",
		"TestR16_AskingForWhatTheChallengeSaysLetsTheClientIn",
		"TestR16_RequireScopesAsksForAllThatIsNeeded",
		"TestR16_RequireScopesOutsideAGuardedHandlerLetsNobodyIn",
	}},
	{17, "A challenge is one line of quoted ASCII that begins with Bearer.", []string{
		"TestR17_TheChallengeIsOneLineOfQuotedASCIIWithBearerFirst",
	}},
	{18, "An answer that succeeds has no challenge.", []string{
		"TestR18_AnAnswerThatSucceedsHasNoChallenge",
		"TestR18_TheHandlersOwnAnswersPassAsTheyAre",
	}},
	{19, "A tool's result can carry the challenge that ChatGPT reads there.", []string{
		"TestTheChallengeOfAToolNamesAllThatIsNeeded",
	}},
	{20, "A client is who the document at its URL says; fetching that reaches no inner address, and a server that is away does not lock its clients out.", []string{
		"TestABrokenDocumentIsRefusedWhateverWasKnownBefore",
		"TestADocumentIsKeptAsLongAsItsHeadersSayWithinBounds",
		"TestAHostileServerGetsAndGivesNothing",
		"TestANameThatLeadsToAnInnerAddressIsNotReached",
		"TestManyWhoWantOneDocumentShareOneRequest",
		"TestNoInnerAddressIsDialled",
		"TestNoProxyComesBetweenTheGuardAndTheAddress",
		"TestOnlySoManyDocumentsAreKept",
		"TestR20_ABrokenDocumentIsExplainedToThePerson",
		"TestR20_AClientIsKnownByItsDocumentAndThePageShowsTheHost",
		"TestR20_AConnectedClientNeedsItsDocumentNoMore",
		"TestR20_ADocumentThatChangedCountsFromTheNextApproval",
		"TestR20_ADocumentThatIsGoneForGoodIsNotServedFromACopy",
		"TestR20_AHostIsNotVerifiedForAProgramOnThisComputer",
		"TestR20_AHostThatIsNotAllowedIsNotAsked",
		"TestR20_AURLThatCannotBeADocumentIsExplainedAndNotAsked",
		"TestR20_AnAppWhoseServerCannotBeReachedIsExplainedToThePerson",
		"TestR20_ManyWhoAskForOneUnknownURLCauseOneRequest",
		"TestR20_OnlyTheApprovalPageAsksOtherServers",
		"TestR20_TurningDocumentsOffKeepsWhoWasApproved",
		"TestR20_WhileAServerCannotBeReachedAnApprovedClientIsWhoItWas",
		"TestR20_WhoHasNoOwnerYetAsksNobodyTwice",
		"TestURLsThatNameNoClient",
	}},
	{21, "Well-known clients are known while their servers cannot be reached.", []string{
		"TestR21_ClaudeConnectsWhileClaudeCannotBeReached",
		"TestR21_WellKnownClientsAreKnownWhileTheirServersCannotBeReached",
		"TestWhatTheServerOfAWellKnownClientSaysGoesFirst",
	}},
	{22, "The authentication method is the first of ours that a client's document offers, and never a secret.", []string{
		"TestFailure06_ADocumentWithSeveralMethodsOfAuthenticationIsTaken",
		"TestR22_AClientConnectsByTheKeysOfItsMetadataDocument",
		"TestR22_AClientThatCanDoBothIsPublicAndMaySign",
		"TestR22_TheMethodIsTheFirstOfOursThatTheDocumentHasInEitherMember",
	}},
	{23, "What a client's document has beside is ignored.", []string{
		"TestFailure07_WhatADocumentHasBesideIsIgnored",
		"TestR23_WhatADocumentHasBesideIsIgnored",
	}},
	{24, "Registration takes what real clients send and answers with what was stored, without a null.", []string{
		"TestR24_ABrokenRegistrationIsRefusedInJSON",
		"TestR24_ABrokenRegistrationIsRefusedWithItsReason",
		"TestR24_ARegistrationIsAnsweredWithWhatWasStored",
		"TestR24_EachConfidentialRegistrationIsAClientOfItsOwn",
		"TestR24_IdenticalRegistrationsOfAPublicClientShareOneRecord",
		"TestR24_TheMostRedirectURIsAreKeptInOrderAndOnce",
		"TestR24_WhatRealClientsRegisterConnectsThem",
	}},
	{25, "Redirect URIs match exactly, but for the port of a loopback one; dangerous ones are refused.", []string{
		"TestR25_ADangerousOrMalformedRedirectURIIsRefusedWithItsReason",
		"TestR25_ARedirectThatWasNotRegisteredIsNotFollowed",
		"TestR25_ARedirectURIMatchesExactlyButForALoopbackPort",
		"TestR25_AnAnswerKeepsTheQueryOfTheRedirectURI",
		"TestR25_OnlyRedirectURIsThatTheOperatorAllowsAreKept",
		"TestR25_RealClientsRedirectURIsAreTaken",
		"TestR25_TheOperatorsListOfRedirectURIsHoldsAtRegistrationAndUse",
	}},
	{26, "A registration that somebody approved never expires; one that nobody did is swept.", []string{
		"TestR26_AFloodOfRegistrationsLeavesRoomForARealClientAndBoundsTheMemory",
		"TestR26_AFloodOfRegistrationsTouchesNothingThatWasApproved",
		"TestR26_ARegistrationThatWasApprovedOutlivesTheLifeOfUnusedOnes",
	}},
	{28, "An unknown client or redirect URI is explained to the person and never redirected to; the token endpoint says invalid_client.", []string{
		"TestR28_AClientIsFoundWhicheverWayItCameIn",
		"TestR28_ARedirectURIThatIsNotRegisteredIsNeverFollowed",
		"TestR28_AnUnknownClientGetsAPageAndInvalidClientByMachine",
		"TestR28_AnUnknownClientGetsInvalidClientAtTheTokenEndpoint",
		"TestR28_AnUnknownClientIsToldToThePersonAndNotRedirected",
	}},
	{29, "Clients can be listed beforehand, and products have presets with their redirect URIs.", []string{
		"TestEveryRecordedClientConnectsAndStaysConnected",
		"TestPresetsAreClientsThatTheRouterTakes",
		"TestRFC7523_APreregisteredClientConnectsByItsKey",
	}},
	{30, "Callers are limited with a generous burst, and registration can be turned off.", []string{
		"TestR30_ABadTokenSpendsNobodysLimit",
		"TestR30_ABodyThatDoesNotArriveHoldsNoConnection",
		"TestR30_ACallerMayMakeAMinutesRequestsAtOnceAndNoMore",
		"TestR30_ANegativeNumberIsNoLimit",
		"TestR30_ANegativeRateIsNoLimit",
		"TestR30_ARefusedRequestChangesNothing",
		"TestR30_EachTierHasALimitOfItsOwn",
		"TestR30_MCPTrafficIsLimitedByGrant",
		"TestR30_OneTierCountsAllOfItsEndpoints",
		"TestR30_RegistrationsHaveALimitByAddress",
		"TestR30_TheDefaultLimitHasAGenerousBurst",
		"TestR30_TheRefusalIsJSONForProgramsAndAPageForPeople",
		"TestR30_TheRefusalSaysWhenToComeBack",
		"TestR30_TurningRegistrationOffKeepsWhoWasApprovedAndNobodyElse",
		"TestR30_WhoWaitsAsLongAsToldIsLetIn",
		"TestR30_WhoWaitsForRetryAfterHasWaitedLongEnough",
		"TestR30_WithoutALimitRegistrationsAreNotCounted",
	}},
	{31, "A request comes by GET or POST and needs PKCE with S256; the verifier is 43 to 128 unreserved characters.", []string{
		"TestR31_AVerifierIs43To128UnreservedCharacters",
		"TestR31_GETAndPOSTStartTheSameRequest",
		"TestR31_NothingButS256IsTaken",
	}},
	{32, "Unknown parameters are ignored.", []string{
		"TestR32_UnknownParametersAreIgnored",
	}},
	{33, "No resource means the default one, the same twice is one, and two different or unknown ones are invalid_target.", []string{
		"TestR33_AParameterWithoutValueCountsAsNotGiven",
		"TestR33_ResourceMayBeAbsentOrRepeatedButNotAmbiguous",
		"TestR33_TheResourceParametersOfARequestNameOneResource",
	}},
	{34, "Resources are compared by scheme, host, port and path in one canonical spelling.", []string{
		"TestR34_ResourcesAreComparedCanonically",
		"TestR34_ResourcesAreComparedInOneSpelling",
		"TestR34_WhatOnlyLooksLikeTheResourceIsAnother",
	}},
	{35, "Scopes beyond those that exist are dropped, and invalid_scope is for when nothing is left.", []string{
		"TestR35_AScopeNameIsPrintableASCII",
		"TestR35_AScopeParameterIsASetOfNames",
		"TestR35_AnEndlessScopeIsCutOff",
		"TestR35_ExcessScopesAreDropped",
		"TestR35_InvalidScopeOnlyIfNothingIsLeft",
	}},
	{36, "Success and error carry iss, and the state byte for byte; the redirect URI keeps its own query.", []string{
		"TestR36_ALinkAloneStartsNoApp",
		"TestR36_ARedirectURIKeepsItsOwnQuery",
		"TestR36_IssIsInEveryAnswer",
		"TestR36_StateComesBackByteForByte",
	}},
	{37, "The page shows who asks, what is proven of that, where the answer goes and for what; it cannot be framed, scripted or decided for from another site.", []string{
		"TestR37_ADecisionFromAnotherSiteIsRefused",
		"TestR37_AHostileNameIsTextAndNothingElse",
		"TestR37_AHostileRequestCannotChangeThePage",
		"TestR37_ALinkThatIsNoRequestIsExplained",
		"TestR37_OnlyAProgramOnThisMachineIsALoopbackRedirect",
		"TestR37_OwnDecisionsCountBehindAProxyThatRewritesTheHost",
		"TestR37_PagesCannotBeFramedOrScriptedAndTheirFormMayLeadAway",
		"TestR37_ThePageAfterTheSetupLeadsNowhereElse",
		"TestR37_ThePageSaysWhoAsksForWhatAndWhereTheAnswerGoes",
		"TestR37_ThePageShowsTheScopesThatWillBeGrantedAndNoOthers",
	}},
	{38, "A request is kept nowhere but in its URL, so that reload, back button and a long wait harm nothing, and each approval takes a touch for this very request in this browser.", []string{
		"TestR38_APageThatWasReloadedOrStoodOpenStillWorks",
		"TestR38_ARequestFromBeforeTheSetupComesBackAfterIt",
		"TestR38_AnApprovalCountsOnlyForItsRequest",
		"TestR38_AnApprovalCountsOnlyInTheBrowserThatGaveIt",
		"TestR38_AnApprovalThatCameTooLateCanBeGivenAgain",
		"TestR38_BeforeTheSetupNothingCanBeApproved",
		"TestR38_GETKeepsNothingAndSetsNoCookie",
		"TestR38_NothingIsEverApprovedSilently",
		"TestR38_TheCeremonyOfTheSetupApprovesNothing",
		"TestR38_TheDecisionChecksTheRequestAnew",
	}},
	{39, "The browser goes back by 303; to an app with its own scheme it goes by a page with a link.", []string{
		"TestR39_AnAppWithItsOwnSchemeGetsAPageThatLeadsBack",
		"TestR39_TheBrowserIsSentBackBy303",
	}},
	{40, "The token endpoint takes forms by POST with each parameter once, whatever the parameters of the content type, and never looks at the URL.", []string{
		"TestR40_AFormIsReadWhateverParametersItsContentTypeHas",
		"TestR40_AFormOfTheLargestSizeIsRead",
		"TestR40_AParameterGivenTwiceIsRefused",
		"TestR40_OnlyPOSTReachesTheTokenEndpoint",
		"TestR40_ParametersInTheURLAreNotLookedAt",
		"TestR40_TheTokenEndpointTakesFormsAndNothingElse",
		"TestR40_WhatIsNoFormIsInvalidRequest",
	}},
	{41, "Clients prove themselves by none, post or Basic, raw or encoded, and a failed proof spends nothing.", []string{
		"TestR41_AClientProvesItselfInEachOfTheThreeWays",
		"TestR41_AFailedProofIsRefusedAndDoesNotSpendTheCode",
	}},
	{42, "The token answer has token_type, a whole expires_in, scope and no null, and is not stored.", []string{
		"TestR42_NothingFromTheTokenEndpointIsStored",
		"TestR42_TheAnswerHasAllThatClientsReadAndNoNull",
	}},
	{43, "A refresh works with and without resource and scope; scopes beyond the granted are left out.", []string{
		"TestR43_ANarrowedTokenHasOnlyWhatWasAskedFor",
		"TestR43_ARefreshNeedsNeitherResourceNorScope",
	}},
	{44, "A refresh token goes to who lists the grant, lists nothing, or asks for offline_access.", []string{
		"TestR44_WhoGetsARefreshToken",
	}},
	{45, "Refresh tokens rotate; a repeat within the grace period gets the newest tokens on one chain, and later reuse ends the grant and is logged.", []string{
		"TestR45_ARepeatFromSeveralRotationsBackGetsTheNewestTokens",
		"TestR45_ARepeatWithinTheGracePeriodGetsTheSameAnswer",
		"TestR45_AReuseAfterTheGracePeriodEndsTheGrantAndIsLogged",
		"TestR45_AReuseByAnotherClientEndsNothing",
		"TestR45_ManyRefreshesAtOnceAllSucceedAndLeaveOneChain",
		"TestR45_TheGracePeriodIsConfigurableDownToNone",
	}},
	{46, "A refresh whose answer was lost can be repeated.", []string{
		"TestR46_ALostAnswerCanBeAskedForAgain",
		"TestR46_ALostAnswerToACodeCanBeAskedForAgain",
	}},
	{47, "Resource, verifier, redirect URI and client are looked at before a code is spent.", []string{
		"TestR47_AWrongRequestDoesNotSpendTheCode",
		"TestR47_GrantTypesThatDoNotExistAreRefusedBeforeAnythingElse",
		"TestR47_TheRedirectURIIsTheRequestedOneWithItsPort",
		"TestR47_TheRedirectURIMayBeMissingAsInOAuth21",
	}},
	{48, "A code that is used again ends its grant, but for a repeat by the same client and verifier within seconds.", []string{
		"TestR48_ACodeExpires",
		"TestR48_ACodeRepeatedWithinSecondsGetsTheSameAnswer",
		"TestR48_ARepeatByAnotherClientEndsNothing",
		"TestR48_AnyOtherRepeatOfACodeEndsItsGrant",
	}},
	{49, "Refusals are OAuth errors in JSON; trouble in the store is 503 with Retry-After and never the end of a token.", []string{
		"TestR49_ARegistrationThatCannotBeStoredMayBeTriedAgain",
		"TestR49_AReuseThatCannotBeRevokedIs503AndRevokedTheNextTime",
		"TestR49_AnErrorIsWrittenAsOAuthJSON",
		"TestR49_DiscoveryAndTheChallengeNeedNoStore",
		"TestR49_RefusalsAreOAuthErrorsInJSON",
		"TestR49_TheGuardAnswers503WhenTheStoreFails",
		"TestR49_TroubleInTheStoreIs503WithRetryAfterAndEndsNothing",
	}},
	{50, "An exchange is three calls to the store and no waiting.", []string{
		"TestR50_AnExchangeAsksTheStoreThreeTimesAndNeverWaits",
	}},
	{51, "An access token lives a day; a refresh token 90 days from its last use, without another end.", []string{
		"TestR51_ARefreshTokenLives90DaysAndEachUseStartsThemAnew",
		"TestR51_AnAccessTokenLivesADay",
		"TestR51_LifetimesAreConfigurable",
	}},
	{52, "Revoking works at once.", []string{
		"TestR52_ARepeatedRefreshNeverBringsARevokedTokenBack",
		"TestR52_RevokingARefreshTokenEndsEveryAccessTokenAtOnce",
		"TestR52_RevokingAnAccessTokenEndsItAloneAndAtOnce",
	}},
	{53, "Two logins of one client are two grants.", []string{
		"TestR53_TwoLoginsOfOneClientAreIndependent",
	}},
	{56, "A token for one resource is refused at another.", []string{
		"TestR56_ATokenForOneResourceIsRefusedAtAnother",
		"TestR56_ATokenOfOneResourceIsNoGoodAtAnother",
		"TestR56_TwoServersUnderOneSignInKeepToThemselves",
	}},
	{57, "Revocation is for the client's own tokens; an unknown one is answered the same.", []string{
		"TestR57_AHintChangesNothing",
		"TestR57_AnUnknownTokenIsAnsweredLikeARevokedOne",
		"TestR57_AnotherClientsTokenIsLeftAlone",
		"TestR57_OnlyTheClientItselfCanRevoke",
	}},
	{58, "A restart loses nothing that was acknowledged, and a damaged file is an error, not a new beginning.", []string{
		"TestR58_AConnectedClientNoticesNothingOfARestart",
		"TestR58_AFileThatCannotBeReadIsAStartUpErrorThatNamesItAndStaysAsItIs",
		"TestR58_AFileThatCannotBeReadIsAnErrorAndReopensNothing",
		"TestR58_AReuseAfterARestartStillEndsTheGrant",
		"TestR58_NothingIsAcknowledgedThatIsNotOnTheDisk",
		"TestR58_TheSetupStaysClosed",
		"TestR58_TwoRoutersOnOneSetOfFilesAreRefused",
		"TestWhatWasAcknowledgedOutlivesAKill",
	}},
	{60, "A client's address is believed from trusted proxies alone, and no secret is ever logged.", []string{
		"TestR60_ACallerWhoChangesTheHeaderEachTimeIsStillOne",
		"TestR60_EachAddressHasALimitOfItsOwnAndNobodyCanPretendAnother",
		"TestR60_EachCallerHasALimitOfTheirOwn",
		"TestR60_NoSecretIsInTheLog",
		"TestR60_NoTokenCodeOrSecretIsEverLogged",
		"TestR60_RequestsAtOnceGetNoMoreThanOneAfterTheOther",
		"TestR60_TheClientsAddressIsBelievedFromTrustedProxiesAlone",
		"TestR60_TheTableIsBounded",
		"TestR60_WhoHasNotAskedForLongGivesWayFirst",
	}},
}

func TestEveryRequirementHasATestAndEveryTestItsRequirement(t *testing.T) {
	declared := testsOfThisModule(t)
	proven := make(map[int]bool)
	listed := make(map[string]bool)
	for _, r := range requirements {
		if proven[r.number] || r.rule == "" {
			t.Errorf("R%d has two rows or no sentence", r.number)
		}
		for _, name := range r.tests {
			if !declared[name] {
				t.Errorf("R%d lists %s, which does not exist", r.number, name)
			}
			if carried, ok := numberIn(name); ok && carried != r.number {
				t.Errorf("R%d lists %s, which carries another number", r.number, name)
			}
			proven[r.number], listed[name] = true, true
		}
	}
	for _, numbers := range required {
		for n := numbers[0]; n <= numbers[1]; n++ {
			if proven[n] == (notChosen[n] != "") {
				t.Errorf("R%d has no test and no reason why not, or both", n)
			}
		}
	}
	for name := range declared {
		if n, ok := numberIn(name); ok && !listed[name] {
			t.Errorf("%s is not in the row of R%d", name, n)
		}
	}
	if !slices.IsSortedFunc(requirements, func(a, b requirement) int { return a.number - b.number }) {
		t.Error("the rows are not in the order of their numbers")
	}
}

func TestEachOfTheTwentyFailuresOfRealClientsHasATest(t *testing.T) {
	numbers := make(map[string]int)
	for name := range testsOfThisModule(t) {
		if rest, ok := strings.CutPrefix(name, "TestFailure"); ok {
			number, _, _ := strings.Cut(rest, "_")
			numbers[number]++
		}
	}
	for n := 1; n <= 20; n++ {
		if got := numbers[fmt.Sprintf("%02d", n)]; got != 1 {
			t.Errorf("there are %d tests of failure %02d", got, n)
		}
	}
}

var carriesNumber = regexp.MustCompile(`^TestR([0-9]+)_`)

// numberIn returns the number of the requirement that a test's name carries.
func numberIn(name string) (n int, ok bool) {
	found := carriesNumber.FindStringSubmatch(name)
	if found == nil {
		return 0, false
	}
	n, err := strconv.Atoi(found[1])
	return n, err == nil
}

// testsOfThisModule returns the names of the tests in all its packages.
func testsOfThisModule(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	eachGoFile(t, func(path string) {
		if !strings.HasSuffix(path, "_test.go") {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				names[f.Name.Name] = true
			}
		}
	})
	return names
}
